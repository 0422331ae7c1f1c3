//! G13: the mmap hook inserts nothing that moves: unmapping would not find it.
use vmctx::{Errno, Location, MmapCtx, PfnMap, Platform, Resident};

fn fill<'m, P: Platform, L: Location<Platform = P>>(
    ctx: MmapCtx<'m, P, PfnMap>,
    resident: &Resident<'_, P, L>,
) -> Result<MmapCtx<'m, P, PfnMap>, Errno> {
    resident.insert(ctx)
}

fn main() {}
