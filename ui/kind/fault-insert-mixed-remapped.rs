//! G9: a frame that may have a page behind it in a fault of a `Remapped` mapping.
use vmctx::{FaultCtx, Frame, Platform, Remapped, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Remapped>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_mixed(frame)
}

fn main() {}
