//! G9: a frame that may have a page behind it, beside the fault in a fault of a `PfnMap` mapping.
use vmctx::{FaultCtx, Frame, PageOffset, PfnMap, Platform};

fn around<P: Platform>(ctx: &mut FaultCtx<'_, P, PfnMap>, at: PageOffset, frame: Frame<'_, P>) {
    ctx.prefault_mixed(at, frame);
}

fn main() {}
