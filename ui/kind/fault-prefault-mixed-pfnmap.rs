//! G9: a frame that may have a page behind it, beside the fault in a fault of a `PfnMap` mapping.
use vmctx::{FaultCtx, Frame, PageOffset, PfnMap, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, PfnMap>, at: PageOffset, frame: Frame<'f, P>) {
    ctx.prefault_mixed(at, frame);
}

fn main() {}
