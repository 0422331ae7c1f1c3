//! G6: the loop that skips what fails.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(mut ctx: MmapCtx<'m, P, Mixed>, page: &P::Page) -> Result<Mapped<'m>, Errno> {
    while !ctx.is_full() {
        if let Ok(next) = ctx.insert_page(page) {
            ctx = next;
        }
    }
    ctx.finish()
}

fn main() {}
