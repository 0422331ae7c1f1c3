//! G9: a mapping that only faults can fill, without a fault hook.
use vmctx::{Errno, MmapCtx, Normal, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<MmapCtx<'m, P, Normal>, Errno> {
    ctx.without_faults::<Normal>()
}

fn main() {}
