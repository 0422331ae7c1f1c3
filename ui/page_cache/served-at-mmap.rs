//! G22, G24: the pages of a cache can be taken back, so the mmap hook leaves them to faults.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, PageCache, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, cache: &PageCache<P>) -> Result<Mapped<'m>, Errno> {
    cache.serve(ctx, |_, _| Ok(()))?.finish()
}

fn main() {}
