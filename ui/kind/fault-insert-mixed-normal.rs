//! G9: a frame that may have a page behind it in a fault of a `Normal` mapping.
use vmctx::{FaultCtx, Frame, Normal, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Normal>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_mixed(frame)
}

fn main() {}
