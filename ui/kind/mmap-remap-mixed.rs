//! G9: part of the range remapped, in a `Mixed` mapping.
use vmctx::{Errno, FrameRange, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, frames: FrameRange<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.remap(frames)?.finish()
}

fn main() {}
