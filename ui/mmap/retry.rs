//! G2, G12: nobody repeats a mmap.
use vmctx::{Errno, Mapped, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.retry()
}

fn main() {}
