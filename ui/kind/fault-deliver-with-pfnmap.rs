//! G9: a page handed back, looked up, in a mapping of frames.
use vmctx::{Errno, FaultCtx, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, pages: &[P::Page]) -> VmFault<'f> {
    ctx.deliver_with(|at| at.pgoff().of(pages).cloned().ok_or(Errno::ENXIO))
}

fn main() {}
