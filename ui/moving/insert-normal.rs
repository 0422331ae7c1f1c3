//! G9, G13: memory that moves in a mapping whose pages are handed back.
use vmctx::{FaultCtx, Location, Normal, Platform, Relocatable, VmFault};

fn fault<'f, P: Platform, L: Location<Platform = P>>(
    ctx: FaultCtx<'f, P, Normal>,
    memory: &Relocatable<P, L>,
) -> VmFault<'f> {
    let resident = memory.resident(ctx.may_sleep());
    resident.insert(ctx)
}

fn main() {}
