//! G25: nor many of them.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    pages: &'m [P::Page],
) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.insert_pages(pages)?
}

fn main() {}
