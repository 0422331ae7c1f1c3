//! G9: device memory mapped whole, before the kind of the mapping is chosen.
use vmctx::{Errno, FrameRange, Mapped, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P>, memory: FrameRange<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.remap_at_pgoff(memory)
}

fn main() {}
