//! G9: pages, in a `PfnMap` mapping.
use vmctx::{Errno, Mapped, MmapCtx, PfnMap, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>, pages: &[P::Page]) -> Result<Mapped<'m>, Errno> {
    ctx.insert_pages(pages)?.finish()
}

fn main() {}
