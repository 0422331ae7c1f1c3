//! G5: `map_pages` ends with an answer.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(mut ctx: MapPagesCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    let at = ctx.pgoff();
    let _a_favour = ctx.prefault_page(at, page);
}

fn main() {}
