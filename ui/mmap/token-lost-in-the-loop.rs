//! G6: the token that an insertion gives back is the one to go on with.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    while !ctx.is_full() {
        ctx.insert_page(page)?;
    }
    ctx.finish()
}

fn main() {}
