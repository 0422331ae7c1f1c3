//! G3, G11: a prefault's outcome passed off as an errno.
use vmctx::{FaultCtx, Mixed, PageOffset, Platform, VmFault};

fn fault<'f, P: Platform>(mut ctx: FaultCtx<'f, P, Mixed>, page: &P::Page, next: PageOffset) -> VmFault<'f> {
    let prefault = ctx.prefault_page(next, page);
    ctx.fail(prefault)
}

fn main() {}
