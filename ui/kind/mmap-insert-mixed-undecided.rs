//! G9: a frame that may have a page behind it, before the kind of the mapping is chosen.
use vmctx::{Errno, Frame, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P>, frame: Frame<'m, P>) -> Result<MmapCtx<'m, P>, Errno> {
    ctx.insert_mixed(frame)
}

fn main() {}
