//! G9: a frame by number beside the fault in a fault of a `Mixed` mapping.
use vmctx::{FaultCtx, Frame, Mixed, PageOffset, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, Mixed>, at: PageOffset, frame: Frame<'f, P>) {
    ctx.prefault_pfn(at, frame);
}

fn main() {}
