//! G9: a page, before the kind of the mapping is chosen.
use vmctx::{Errno, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P>, page: &P::Page) -> Result<MmapCtx<'m, P>, Errno> {
    ctx.insert_page(page)
}

fn main() {}
