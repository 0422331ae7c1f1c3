//! G9: what a virtual machine may make of the memory, said after the kind has been chosen.
use vmctx::{Errno, FrameRange, Mapped, MmapCtx, Platform, Remapped};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, bar: FrameRange<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.writable().without_faults::<Remapped>()?.allow_any_uncached().remap_at_pgoff(bar)
}

fn main() {}
