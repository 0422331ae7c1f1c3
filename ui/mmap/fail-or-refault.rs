//! G2, G3: nobody repeats a mmap.
use vmctx::{Errno, Mapped, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.fail_or_refault(Errno::EINTR)
}

fn main() {}
