//! G8, G19: the same, with the frame looked up.
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, memory: &'f P::Iomem) -> VmFault<'f> {
    ctx.insert_pfn_mkwrite_with(|at| memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
}

fn main() {}
