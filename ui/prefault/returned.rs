//! G11: a filled neighbour is not the fault's answer.
use vmctx::{FaultCtx, Mixed, PageOffset, Platform, VmFault};

fn fault<'f, P: Platform>(mut ctx: FaultCtx<'f, P, Mixed>, page: &P::Page, next: PageOffset) -> VmFault<'f> {
    ctx.prefault_page(next, page)
}

fn main() {}
