//! G25: what a prepare hook says, a mmap hook does not.
use vmctx::{Errno, Mapped, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.writable().by_faults()
}

fn main() {}
