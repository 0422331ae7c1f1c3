//! G5, G11: the window is filled before the answer.
use vmctx::{FaultCtx, Mixed, PageOffset, Platform, VmFault};

fn fault<'f, P: Platform>(mut ctx: FaultCtx<'f, P, Mixed>, page: &P::Page, pages: &[P::Page]) -> VmFault<'f> {
    let answer = ctx.insert_page(page);
    ctx.prefault_pages(PageOffset::ZERO, pages);
    answer
}

fn main() {}
