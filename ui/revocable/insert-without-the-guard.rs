//! G13: inserting without holding the memory where it is.
use vmctx::{FaultCtx, Backing, PfnMap, Platform, Revocable, VmFault};

fn fault<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    memory: &Revocable<P, L>,
) -> VmFault<'f> {
    memory.insert(ctx)
}

fn main() {}
