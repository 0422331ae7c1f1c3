//! G13, G15: moving waits until nobody inserts.
use vmctx::{Backing, MapPagesCtx, Mixed, Platform, Revocable, VmFault};

fn map_pages<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: MapPagesCtx<'f, P, Mixed>,
    memory: &Revocable<P, L>,
) -> VmFault<'f> {
    let _moving = memory.revoke(ctx.may_sleep());
    ctx.finish()
}

fn main() {}
