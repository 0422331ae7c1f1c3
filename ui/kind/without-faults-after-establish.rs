//! G9: the kind is the state's, and chosen once.
use vmctx::{Errno, Mixed, MmapCtx, PfnMap, Platform, VmOperations};

fn mmap<'m, P: Platform, V: VmOperations<Platform = P, Kind = Mixed>>(
    ctx: MmapCtx<'m, P>,
    state: V,
) -> Result<MmapCtx<'m, P, PfnMap>, Errno> {
    ctx.establish(state)?.without_faults::<PfnMap>()
}

fn main() {}
