//! G24: offsets that begin at a number, which no unmapping knows of.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, PageOffset, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, ring: PageOffset, pages: &[P::Page]) -> Result<Mapped<'m>, Errno> {
    ctx.rebase(ring)?.without_faults::<Mixed>()?.fill_at_pgoff(pages)
}

fn main() {}
