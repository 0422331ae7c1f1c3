//! G25: nor is what a mmap hook succeeds with a description.
use vmctx::{Errno, Mixed, MmapCtx, Platform, Prepared};

fn mmap_prepare<'m, P: Platform>(ctx: MmapCtx<'m, P>, page: &P::Page) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.without_faults::<Mixed>()?.insert_page(page)?.finish()
}

fn main() {}
