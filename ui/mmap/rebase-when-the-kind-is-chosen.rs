//! G24: the object of a mapping chosen when its state has been told already where offsets begin.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform, SharedObject};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, ring: &SharedObject<P>, pages: &[P::Page]) -> Result<Mapped<'m>, Errno> {
    ctx.without_faults::<Mixed>()?.rebase(ring)?.fill_at_pgoff(pages)
}

fn main() {}
