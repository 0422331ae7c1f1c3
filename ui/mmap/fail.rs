//! G2: failing a mmap as a fault fails.
use vmctx::{Errno, Mapped, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.fail(Errno::ENXIO)
}

fn main() {}
