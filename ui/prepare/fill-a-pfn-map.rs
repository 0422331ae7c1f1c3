//! G25, G9: pages fill a `Mixed` mapping.
use vmctx::{Errno, PfnMap, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    pages: &'m [P::Page],
) -> Result<Prepared<'m, P, PfnMap>, Errno> {
    ctx.fill_at_pgoff(pages)
}

fn main() {}
