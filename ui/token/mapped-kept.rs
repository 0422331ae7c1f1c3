//! G6: one mmap's success kept for another.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn keep<P: Platform>(ctx: MmapCtx<'_, P, Mixed>) -> Result<Mapped<'static>, Errno> {
    ctx.finish()
}

fn main() {}
