//! G16: an insertion takes its own reference to the page, and only borrows the driver's.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, page: P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.insert_page(page)?.finish()
}

fn main() {}
