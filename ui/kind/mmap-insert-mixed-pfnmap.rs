//! G9: a frame that may have a page behind it, in a `PfnMap` mapping.
use vmctx::{Errno, Frame, Mapped, MmapCtx, PfnMap, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>, frame: Frame<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.insert_mixed(frame)?.finish()
}

fn main() {}
