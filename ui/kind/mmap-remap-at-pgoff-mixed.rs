//! G9: device memory mapped whole, in a `Mixed` mapping.
use vmctx::{Errno, FrameRange, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, memory: FrameRange<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.remap_at_pgoff(memory)
}

fn main() {}
