//! G10: slots are filled in order, so there is no address to get wrong.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform, UserAddr};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, at: UserAddr, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.insert_page(at, page)?.finish()
}

fn main() {}
