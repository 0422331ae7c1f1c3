//! G1, G11: `map_pages` answers at its end, not for one page.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    ctx.insert_page(page)
}

fn main() {}
