//! G25: a prepare hook does not choose the kind: the operations have it.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    pages: &'m [P::Page],
) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.without_faults::<Mixed>()?.fill_at_pgoff(pages)
}

fn main() {}
