//! G9: the whole range remapped, before the kind of the mapping is chosen.
use vmctx::{Errno, FrameRange, Mapped, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P>, frames: FrameRange<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.remap_from_first(frames)
}

fn main() {}
