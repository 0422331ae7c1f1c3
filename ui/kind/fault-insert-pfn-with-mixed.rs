//! G9: a frame looked up for a mapping of pages.
use vmctx::{Errno, FaultCtx, FrameSource, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, memory: &'f P::Iomem) -> VmFault<'f> {
    ctx.insert_pfn_with(|at| memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
}

fn main() {}
