//! G17: a state of another platform.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform, VmOperations};

fn mmap<'m, P: Platform, Q: Platform, V: VmOperations<Platform = Q, Kind = Mixed>>(
    ctx: MmapCtx<'m, P>,
    state: V,
) -> Result<Mapped<'m>, Errno> {
    Ok(ctx.establish(state)?.fill_later())
}

fn main() {}
