//! G9, G19: the grant that users may write, after pages have been inserted without it.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.without_faults::<Mixed>()?.insert_page(page)?.writable().finish()
}

fn main() {}
