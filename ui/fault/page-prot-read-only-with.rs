//! G26: one page made read-only where it is looked up.
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, memory: &'f P::Iomem) -> VmFault<'f> {
    ctx.insert_pfn_prot_with(|at| {
        let frame = memory.frame(at.pgoff()).ok_or(Errno::ENXIO)?;
        Ok((frame, at.page_prot().read_only()))
    })
}

fn main() {}
