//! G13: inserted while it is between two places.
use vmctx::{FaultCtx, Location, Moving, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform, L: Location<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    moving: &Moving<'_, P, L>,
) -> VmFault<'f> {
    moving.insert(ctx)
}

fn main() {}
