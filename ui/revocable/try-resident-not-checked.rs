//! G13, G22: the guard that could not be had.
use vmctx::{Backing, FaultCtx, PfnMap, Platform, Revocable, VmFault};

fn fault<'f, P: Platform, B: Backing<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    memory: &Revocable<P, B>,
) -> VmFault<'f> {
    memory.try_resident().insert(ctx)
}

fn main() {}
