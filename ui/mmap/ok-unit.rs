//! G6: success without a `Mapped`.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.without_faults::<Mixed>()?.insert_page(page)?;
    Ok(())
}

fn main() {}
