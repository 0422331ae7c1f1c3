//! G5: asking a token that has already answered.
use vmctx::{FaultCtx, Mixed, PageOffset, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> PageOffset {
    let _answer = ctx.insert_page(page);
    ctx.pgoff()
}

fn main() {}
