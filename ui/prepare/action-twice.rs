//! G25: nor two in turn: the action takes the token.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    pages: &'m [P::Page],
) -> Result<Prepared<'m, P, Mixed>, Errno> {
    let _first: Prepared<'m, P, Mixed> = ctx.fill_at_pgoff(pages)?;
    ctx.by_faults()
}

fn main() {}
