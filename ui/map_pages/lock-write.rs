//! G15: a lock of the platform's is waited for, with the right to.
use vmctx::{MapPagesCtx, Mixed, Platform, RwLock, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, lock: &P::RwLock<u32>) -> VmFault<'f> {
    let mut count = lock.write();
    *count += 1;
    ctx.finish()
}

fn main() {}
