//! G10: slots are filled in order, so there is no offset either.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, PageOffset, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, at: PageOffset, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.insert_page(at, page)?.finish()
}

fn main() {}
