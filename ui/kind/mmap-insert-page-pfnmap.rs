//! G9: a page, in a `PfnMap` mapping.
use vmctx::{Errno, Mapped, MmapCtx, PfnMap, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.insert_page(page)?.finish()
}

fn main() {}
