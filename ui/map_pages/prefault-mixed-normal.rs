//! G9: a `Normal` mapping holds no frames.
use vmctx::{Frame, MapPagesCtx, Normal, Platform, VmFault};

fn map_pages<'f, P: Platform>(mut ctx: MapPagesCtx<'f, P, Normal>, frame: Frame<'f, P>) -> VmFault<'f> {
    let at = ctx.pgoff();
    let _a_favour = ctx.prefault_mixed(at, frame);
    ctx.finish()
}

fn main() {}
