//! G10: pages found by an offset as by an index.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, pages: &[P::Page]) -> VmFault<'f> {
    ctx.insert_page_with(|at| pages.get(at.pgoff()).ok_or(Errno::ENXIO))
}

fn main() {}
