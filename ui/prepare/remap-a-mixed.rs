//! G25, G9: a whole range of frames is a `Remapped` mapping.
use vmctx::{Errno, FrameRange, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    frames: FrameRange<'m, P>,
) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.remap_from_first(frames)
}

fn main() {}
