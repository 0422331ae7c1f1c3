//! G9: the pages of the whole object from its first on, in a `PfnMap` mapping.
use vmctx::{Errno, Mapped, MmapCtx, PfnMap, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>, pages: &[P::Page]) -> Result<Mapped<'m>, Errno> {
    ctx.fill_from_first(pages)
}

fn main() {}
