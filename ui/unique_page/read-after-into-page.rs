//! G21: a page of the pool read after it was given away.
use vmctx::{Errno, Mixed, MmapCtx, Platform, UniquePage};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, page: UniquePage<P>) -> Result<MmapCtx<'m, P, Mixed>, Errno> {
    let ctx = ctx.insert_page(&page.into_page())?;
    page.write(0, b"ready").map_err(|_| Errno::EIO)?;
    Ok(ctx)
}

fn main() {}
