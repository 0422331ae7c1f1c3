//! G8: the fault of one page fills no large entry.
use vmctx::{FaultCtx, FrameRange, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frames: FrameRange<'f, P>) -> VmFault<'f> {
    ctx.insert_huge(frames)
}

fn main() {}
