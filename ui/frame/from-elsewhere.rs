//! G21: a frame of memory that nobody says outlives the mapping.
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, VmFault};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, memory: &P::Iomem) -> VmFault<'f> {
    ctx.insert_pfn_with(|at| memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
}

fn main() {}
