//! G9: a mapping has one state and one kind, shared or not.
use vmctx::{Errno, Mixed, MmapCtx, Platform, VmOperations};

fn mmap<'m, P: Platform, V: VmOperations<Platform = P, Kind = Mixed>>(
    ctx: MmapCtx<'m, P>,
    one: V,
    other: P::Ref<V>,
) -> Result<MmapCtx<'m, P, Mixed>, Errno> {
    ctx.establish(one)?.establish_shared::<V>(other)
}

fn main() {}
