//! G9: pages from the first on, before the kind of the mapping is chosen.
use vmctx::{Errno, Mapped, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P>, pages: &[P::Page]) -> Result<Mapped<'m>, Errno> {
    ctx.fill_from_first(pages)
}

fn main() {}
