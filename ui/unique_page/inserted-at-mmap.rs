//! G21: a page of the pool inserted, which would stay in the pool.
use vmctx::{Errno, Mixed, MmapCtx, Platform, UniquePage};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, page: &UniquePage<P>) -> Result<MmapCtx<'m, P, Mixed>, Errno> {
    ctx.insert_page(page)
}

fn main() {}
