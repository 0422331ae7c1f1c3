//! G15: a lock of the platform's is waited for.
use vmctx::{MapPagesCtx, Mixed, Platform, RwLock, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, lock: &P::RwLock<u32>) -> VmFault<'f> {
    let _guard = lock.read(ctx.may_sleep());
    ctx.finish()
}

fn main() {}
