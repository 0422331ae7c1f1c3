//! G9: a page, in a `Remapped` mapping.
use vmctx::{Errno, Mapped, MmapCtx, Platform, Remapped};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Remapped>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.insert_page(page)?.finish()
}

fn main() {}
