//! G11: a prefault made an answer with `into`.
use vmctx::{FaultCtx, Mixed, PageOffset, Platform, VmFault};

fn fault<'f, P: Platform>(mut ctx: FaultCtx<'f, P, Mixed>, page: &P::Page, next: PageOffset) -> VmFault<'f> {
    ctx.prefault_page(next, page).into()
}

fn main() {}
