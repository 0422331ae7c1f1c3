//! G9, G13: memory that moves in a mapping that is mapped once and for all.
use vmctx::{FaultCtx, Location, Platform, Relocatable, Remapped, VmFault};

fn fault<'f, P: Platform, L: Location<Platform = P>>(
    ctx: FaultCtx<'f, P, Remapped>,
    memory: &Relocatable<P, L>,
) -> VmFault<'f> {
    let resident = memory.resident(ctx.may_sleep());
    resident.insert(ctx)
}

fn main() {}
