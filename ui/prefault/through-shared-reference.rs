//! G11: fault-around while somebody else looks at the token.
use vmctx::{FaultCtx, Mixed, PageOffset, Platform};

fn around<P: Platform>(ctx: &FaultCtx<'_, P, Mixed>, page: &P::Page, next: PageOffset) {
    ctx.prefault_page(next, page);
}

fn main() {}
