//! G6: inserting through a borrowed token, which would survive a failure.
use vmctx::{Errno, Mixed, MmapCtx, Platform};

fn fill<P: Platform>(ctx: &mut MmapCtx<'_, P, Mixed>, page: &P::Page) -> Result<(), Errno> {
    ctx.insert_page(page)?;
    Ok(())
}

fn main() {}
