//! G25: one action, for the whole mapping.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    pages: &'m [P::Page],
) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.writable().by_faults()?.fill_at_pgoff(pages)
}

fn main() {}
