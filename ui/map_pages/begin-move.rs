//! G13, G15: moving waits until nobody inserts.
use vmctx::{Location, MapPagesCtx, Mixed, Platform, Relocatable, VmFault};

fn map_pages<'f, P: Platform, L: Location<Platform = P>>(
    ctx: MapPagesCtx<'f, P, Mixed>,
    memory: &Relocatable<P, L>,
) -> VmFault<'f> {
    let _moving = memory.begin_move(ctx.may_sleep());
    ctx.finish()
}

fn main() {}
