//! G8: `remap_pfn_range` in a fault.
use vmctx::{FaultCtx, FrameRange, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frames: FrameRange<'f, P>) -> VmFault<'f> {
    ctx.remap(frames)
}

fn main() {}
