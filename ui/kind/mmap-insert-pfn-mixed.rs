//! G9: a frame by number, in a `Mixed` mapping.
use vmctx::{Errno, Frame, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, frame: Frame<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.insert_pfn(frame)?.finish()
}

fn main() {}
