//! G9: the pages of the whole object, before the kind of the mapping is chosen.
use vmctx::{Errno, Mapped, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P>, pages: &[P::Page]) -> Result<Mapped<'m>, Errno> {
    ctx.fill_at_pgoff(pages)
}

fn main() {}
