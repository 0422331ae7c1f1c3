//! G9: a frame by number in a fault of a `Mixed` mapping.
use vmctx::{FaultCtx, Frame, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_pfn(frame)
}

fn main() {}
