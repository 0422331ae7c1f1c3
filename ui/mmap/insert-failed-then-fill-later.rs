//! G6: a failed insertion passed on to faults that may never come.
use vmctx::{Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, page: &P::Page) -> Mapped<'m> {
    match ctx.insert_page(page) {
        Ok(ctx) => ctx.fill_later(),
        Err(_) => ctx.fill_later(),
    }
}

fn main() {}
