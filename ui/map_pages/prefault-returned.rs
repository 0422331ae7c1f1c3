//! G11: what became of one page is not the answer.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(mut ctx: MapPagesCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    let at = ctx.pgoff();
    ctx.prefault_page(at, page)
}

fn main() {}
