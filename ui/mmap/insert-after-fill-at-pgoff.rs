//! G6: `map_pages` fills the rest and ends the hook.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, pages: &[P::Page], page: &P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.fill_at_pgoff(pages)?.insert_page(page)?.finish()
}

fn main() {}
