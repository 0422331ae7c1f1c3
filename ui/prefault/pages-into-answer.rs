//! G3, G11: how many pages were prefaulted does not become an answer by conversion.
use vmctx::{FaultCtx, Mixed, PageOffset, Platform, VmFault};

fn fault<'f, P: Platform>(mut ctx: FaultCtx<'f, P, Mixed>, pages: &[P::Page]) -> VmFault<'f> {
    ctx.prefault_pages(PageOffset::ZERO, pages).into()
}

fn main() {}
