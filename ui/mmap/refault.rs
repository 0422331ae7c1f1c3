//! G2: nobody repeats a mmap.
use vmctx::{Errno, Mapped, MmapCtx, Platform, Waited};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, waited: Waited<'m>) -> Result<Mapped<'m>, Errno> {
    ctx.refault(waited)
}

fn main() {}
