//! G11: a prefault made an answer with `from`.
use vmctx::{FaultCtx, Mixed, PageOffset, Platform, VmFault};

fn fault<'f, P: Platform>(mut ctx: FaultCtx<'f, P, Mixed>, page: &P::Page, next: PageOffset) -> VmFault<'f> {
    VmFault::from(ctx.prefault_page(next, page))
}

fn main() {}
