//! G13, G15: holding memory that moves waits while it moves.
use vmctx::{Backing, MapPagesCtx, Mixed, Platform, Revocable, VmFault};

fn map_pages<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: MapPagesCtx<'f, P, Mixed>,
    memory: &Revocable<P, L>,
) -> VmFault<'f> {
    let _resident = memory.resident(ctx.may_sleep());
    ctx.finish()
}

fn main() {}
