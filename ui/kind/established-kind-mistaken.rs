//! G9: what `establish` gives has the kind that the state says, not the one that the line wishes for.
use vmctx::{Errno, Mixed, MmapCtx, PfnMap, Platform, VmOperations};

fn mmap<'m, P: Platform, V: VmOperations<Platform = P, Kind = Mixed>>(
    ctx: MmapCtx<'m, P>,
    state: V,
) -> Result<MmapCtx<'m, P, PfnMap>, Errno> {
    ctx.establish(state)
}

fn main() {}
