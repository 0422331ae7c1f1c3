//! G5, G11: filled after the answer.
use vmctx::{MapPagesCtx, Mixed, PageOffset, Platform, VmFault};

fn map_pages<'f, P: Platform>(mut ctx: MapPagesCtx<'f, P, Mixed>, at: PageOffset, page: &P::Page) -> VmFault<'f> {
    let answer = ctx.finish();
    let _a_favour = ctx.prefault_page(at, page);
    answer
}

fn main() {}
