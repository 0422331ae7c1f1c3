//! G6: success over an insertion that failed.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    match ctx.insert_page(page) {
        Ok(ctx) => ctx.finish(),
        Err(_) => ctx.finish(),
    }
}

fn main() {}
