//! G3, G11: a prefault holds no errno.
use vmctx::{Errno, FaultCtx, Mixed, PageOffset, Platform};

fn around<P: Platform>(ctx: &mut FaultCtx<'_, P, Mixed>, page: &P::Page, next: PageOffset) -> Errno {
    ctx.prefault_page(next, page).into()
}

fn main() {}
