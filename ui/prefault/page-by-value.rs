//! G11, G16: an insertion borrows the page.
use vmctx::{FaultCtx, Mixed, PageOffset, Platform};

fn around<P: Platform>(ctx: &mut FaultCtx<'_, P, Mixed>, page: P::Page, next: PageOffset) {
    ctx.prefault_page(next, page);
}

fn main() {}
