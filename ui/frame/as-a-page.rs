//! G9, G13: a frame where a page belongs.
use vmctx::{FaultCtx, Frame, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_page(frame)
}

fn main() {}
