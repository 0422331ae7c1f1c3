//! G10: a length where a place belongs.
use vmctx::{FaultCtx, Mixed, PageCount, Platform};

fn around<P: Platform>(ctx: &mut FaultCtx<'_, P, Mixed>, page: &P::Page, count: PageCount) {
    ctx.prefault_page(count, page);
}

fn main() {}
