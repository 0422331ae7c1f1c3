//! G9: the whole range remapped, in a `PfnMap` mapping.
use vmctx::{Errno, FrameRange, Mapped, MmapCtx, PfnMap, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>, frames: FrameRange<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.remap_from_first(frames)
}

fn main() {}
