//! G6: a mapping is finished once, and last.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    let mapped = ctx.finish()?;
    ctx.insert_page(page)?;
    Ok(mapped)
}

fn main() {}
