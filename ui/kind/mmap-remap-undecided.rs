//! G9: part of the range remapped, before the kind of the mapping is chosen.
use vmctx::{Errno, FrameRange, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P>, frames: FrameRange<'m, P>) -> Result<MmapCtx<'m, P>, Errno> {
    ctx.remap(frames)
}

fn main() {}
