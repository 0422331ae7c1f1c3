//! G6: success over a batch that stopped in the middle.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, pages: &[P::Page]) -> Result<Mapped<'m>, Errno> {
    if let Err(error) = ctx.insert_pages(pages) {
        let _left = pages.len() - error.inserted.get();
    }
    ctx.finish()
}

fn main() {}
