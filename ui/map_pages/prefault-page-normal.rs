//! G9: a `Normal` mapping holds no inserted pages, under RCU neither.
use vmctx::{MapPagesCtx, Normal, Platform, VmFault};

fn map_pages<'f, P: Platform>(mut ctx: MapPagesCtx<'f, P, Normal>, page: &P::Page) -> VmFault<'f> {
    let at = ctx.pgoff();
    let _a_favour = ctx.prefault_page(at, page);
    ctx.finish()
}

fn main() {}
