//! G6, G9: finished before the kind was chosen.
use vmctx::{Errno, Mapped, MmapCtx, Platform};

fn end<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.finish()
}

fn main() {}
