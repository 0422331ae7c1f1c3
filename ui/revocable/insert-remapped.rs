//! G9, G13: memory that moves in a mapping that is mapped once and for all.
use vmctx::{FaultCtx, Backing, Platform, Revocable, Remapped, VmFault};

fn fault<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: FaultCtx<'f, P, Remapped>,
    memory: &Revocable<P, L>,
) -> VmFault<'f> {
    let resident = memory.resident(ctx.may_sleep());
    resident.insert(ctx)
}

fn main() {}
