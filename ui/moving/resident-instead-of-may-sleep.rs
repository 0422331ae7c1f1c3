//! G13, G15: waiting for the memory takes the right to sleep.
use vmctx::{FaultCtx, Location, PfnMap, Platform, Relocatable, VmFault};

fn fault<'f, P: Platform, L: Location<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    memory: &Relocatable<P, L>,
) -> VmFault<'f> {
    memory.resident().insert(ctx)
}

fn main() {}
