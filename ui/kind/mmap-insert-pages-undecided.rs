//! G9: pages, before the kind of the mapping is chosen.
use vmctx::{Errno, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P>, pages: &[P::Page]) -> Result<MmapCtx<'m, P>, Errno> {
    Ok(ctx.insert_pages(pages)?)
}

fn main() {}
