//! G9: a page looked up for a mapping of frames.
use vmctx::{Errno, FaultCtx, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, pages: &[P::Page]) -> VmFault<'f> {
    ctx.insert_page_with(|at| at.pgoff().of(pages).ok_or(Errno::ENXIO))
}

fn main() {}
