//! G1, G11: a slot that was not filled is no error to pass on.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(mut ctx: MapPagesCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    let at = ctx.pgoff();
    ctx.prefault_page(at, page)?;
    ctx.finish()
}

fn main() {}
