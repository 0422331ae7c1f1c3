//! G1, G11: `map_pages` answers at its end, not for one frame.
use vmctx::{Frame, MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_mixed(frame)
}

fn main() {}
