//! G1, G2, G7: the mmap hook calls the fault hook by hand.
use vmctx::{Mixed, MmapCtx, Platform, VmFault, VmOperations};

fn mmap<'m, P: Platform, V: VmOperations<Platform = P, Kind = Mixed>>(
    state: &V,
    ctx: MmapCtx<'m, P, Mixed>,
) -> VmFault<'m> {
    state.fault(ctx)
}

fn main() {}
