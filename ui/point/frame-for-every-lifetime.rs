//! G21: a helper for both hooks that wants to be handed frames of any lifetime.
use vmctx::{FaultCtx, Frame, FramePoint, PfnMap, Platform, VmFault};

fn place<P: Platform, I: for<'s> FramePoint<'s, Platform = P, Kind = PfnMap>>(
    at: I,
    frame: Frame<'_, P>,
) -> I::Outcome {
    at.insert_pfn(frame)
}

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'_, P>) -> VmFault<'f> {
    place(ctx, frame)
}

fn main() {}
