//! G8: mapping the whole range by number from a fault.
use vmctx::{FaultCtx, FrameRange, Platform, Remapped, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Remapped>, frames: FrameRange<'f, P>) -> VmFault<'f> {
    ctx.remap_from_first(frames)
}

fn main() {}
