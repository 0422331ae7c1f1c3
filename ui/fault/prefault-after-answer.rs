//! G5, G11: fault-around comes before the answer.
use vmctx::{FaultCtx, Mixed, PageOffset, Platform, VmFault};

fn fault<'f, P: Platform>(mut ctx: FaultCtx<'f, P, Mixed>, page: &P::Page, next: PageOffset) -> VmFault<'f> {
    let answer = ctx.insert_page(page);
    ctx.prefault_page(next, page);
    answer
}

fn main() {}
