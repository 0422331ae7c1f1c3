//! G7, G19: the grant is the token's: go on with what `writable` gives back.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.writable();
    ctx.without_faults::<Mixed>()?.insert_page(page)?.finish()
}

fn main() {}
