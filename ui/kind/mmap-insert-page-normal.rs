//! G9: a page, in a `Normal` mapping.
use vmctx::{Errno, MmapCtx, Normal, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Normal>, page: &P::Page) -> Result<MmapCtx<'m, P, Normal>, Errno> {
    ctx.insert_page(page)
}

fn main() {}
