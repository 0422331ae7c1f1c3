//! G9: part of the range remapped, in a `Remapped` mapping.
use vmctx::{Errno, FrameRange, Mapped, MmapCtx, Platform, Remapped};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Remapped>, frames: FrameRange<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.remap(frames)?.finish()
}

fn main() {}
