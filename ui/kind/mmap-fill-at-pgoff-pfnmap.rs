//! G9: the pages of the whole object, in a `PfnMap` mapping.
use vmctx::{Errno, Mapped, MmapCtx, PfnMap, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>, pages: &[P::Page]) -> Result<Mapped<'m>, Errno> {
    ctx.fill_at_pgoff(pages)
}

fn main() {}
