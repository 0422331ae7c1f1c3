//! G13: a place behind the end of the source has no frame.
use vmctx::{FaultCtx, FrameSource, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    let frame = bar.frame(ctx.pgoff());
    ctx.insert_pfn(frame)
}

fn main() {}
