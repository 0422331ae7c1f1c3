//! G25, G6: what an action was refused with cannot be followed by a success.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    pages: &'m [P::Page],
) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.fill_at_pgoff(pages).or_else(|_| ctx.by_faults())
}

fn main() {}
