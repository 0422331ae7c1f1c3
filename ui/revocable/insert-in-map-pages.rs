//! G13: memory that moves is inserted by the fault hook, not by `map_pages`.
use vmctx::{Backing, MapPagesCtx, Mixed, Platform, Resident, VmFault};

fn map_pages<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: MapPagesCtx<'f, P, Mixed>,
    resident: &Resident<'_, P, L>,
) -> VmFault<'f> {
    resident.insert(ctx)
}

fn main() {}
