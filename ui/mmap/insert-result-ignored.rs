//! G6: success over an insertion whose result was ignored (`book3s_xive_native.c`, Linux 6.12).
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    let _ = ctx.insert_page(page);
    ctx.finish()
}

fn main() {}
