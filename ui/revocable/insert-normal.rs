//! G9, G13: memory that moves in a mapping whose pages are handed back.
use vmctx::{FaultCtx, Backing, Normal, Platform, Revocable, VmFault};

fn fault<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: FaultCtx<'f, P, Normal>,
    memory: &Revocable<P, L>,
) -> VmFault<'f> {
    let resident = memory.resident(ctx.may_sleep());
    resident.insert(ctx)
}

fn main() {}
