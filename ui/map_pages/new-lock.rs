//! G15: a lock is allocated.
use vmctx::{MapPagesCtx, Mixed, Platform, RwLock, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
    let _lock = P::RwLock::new(1_u32, ctx.may_sleep());
    ctx.finish()
}

fn main() {}
