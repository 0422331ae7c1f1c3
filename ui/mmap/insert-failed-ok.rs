//! G6: an error turned into "nothing" on the way out.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    let _ = ctx.insert_page(page).ok();
    ctx.finish()
}

fn main() {}
