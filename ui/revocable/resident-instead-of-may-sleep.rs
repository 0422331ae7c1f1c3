//! G13, G15: waiting for the memory takes the right to sleep.
use vmctx::{FaultCtx, Backing, PfnMap, Platform, Revocable, VmFault};

fn fault<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    memory: &Revocable<P, L>,
) -> VmFault<'f> {
    memory.resident().insert(ctx)
}

fn main() {}
