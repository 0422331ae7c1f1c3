//! G13: inserted while it is between two places.
use vmctx::{FaultCtx, Backing, Revoked, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    moving: &Revoked<'_, P, L>,
) -> VmFault<'f> {
    moving.insert(ctx)
}

fn main() {}
