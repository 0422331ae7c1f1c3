//! G13: a number where frames belong.
use vmctx::{Errno, Mapped, MmapCtx, Platform, Remapped};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, base: u64) -> Result<Mapped<'m>, Errno> {
    ctx.without_faults::<Remapped>()?.remap_from_first(base)
}

fn main() {}
