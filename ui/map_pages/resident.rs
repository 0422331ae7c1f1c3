//! G13, G15: holding memory that moves waits while it moves.
use vmctx::{Location, MapPagesCtx, Mixed, Platform, Relocatable, VmFault};

fn map_pages<'f, P: Platform, L: Location<Platform = P>>(
    ctx: MapPagesCtx<'f, P, Mixed>,
    memory: &Relocatable<P, L>,
) -> VmFault<'f> {
    let _resident = memory.resident(ctx.may_sleep());
    ctx.finish()
}

fn main() {}
