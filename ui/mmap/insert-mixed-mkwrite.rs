//! G2: an entry made writable at once, while the mapping is made.
use vmctx::{Errno, Frame, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, frame: Frame<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.insert_mixed_mkwrite(frame)?.finish()
}

fn main() {}
