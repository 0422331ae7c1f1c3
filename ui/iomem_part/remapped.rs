//! G21, G27: a part is not a range of frames: ask it for one.
use vmctx::{Errno, IomemPart, Mapped, MmapCtx, Platform, Remapped};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P, Remapped>, registers: &'m IomemPart<P>) -> Result<Mapped<'m>, Errno> {
    ctx.remap_at_pgoff(registers)
}

fn main() {}
