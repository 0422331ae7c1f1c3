//! G13: the mmap hook inserts nothing that moves: unmapping would not find it.
use vmctx::{Errno, Backing, MmapCtx, PfnMap, Platform, Resident};

fn fill<'m, P: Platform, L: Backing<Platform = P>>(
    ctx: MmapCtx<'m, P, PfnMap>,
    resident: &Resident<'_, P, L>,
) -> Result<MmapCtx<'m, P, PfnMap>, Errno> {
    resident.insert(ctx)
}

fn main() {}
