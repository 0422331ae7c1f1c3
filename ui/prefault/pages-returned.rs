//! G11: a filled window is not the fault's answer.
use vmctx::{FaultCtx, Mixed, PageOffset, Platform, VmFault};

fn fault<'f, P: Platform>(mut ctx: FaultCtx<'f, P, Mixed>, pages: &[P::Page]) -> VmFault<'f> {
    ctx.prefault_pages(PageOffset::ZERO, pages)
}

fn main() {}
