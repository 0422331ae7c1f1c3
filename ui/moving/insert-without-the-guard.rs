//! G13: inserting without holding the memory where it is.
use vmctx::{FaultCtx, Location, PfnMap, Platform, Relocatable, VmFault};

fn fault<'f, P: Platform, L: Location<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    memory: &Relocatable<P, L>,
) -> VmFault<'f> {
    memory.insert(ctx)
}

fn main() {}
