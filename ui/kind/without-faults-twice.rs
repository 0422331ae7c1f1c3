//! G9: both flags in one VMA is what Linux has a `BUG_ON` for.
use vmctx::{Errno, Mixed, MmapCtx, PfnMap, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<MmapCtx<'m, P, PfnMap>, Errno> {
    ctx.without_faults::<Mixed>()?.without_faults::<PfnMap>()
}

fn main() {}
