//! G15: a lock that is only tried may not be had.
use vmctx::{MapPagesCtx, Mixed, Platform, RwLock, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, lock: &P::RwLock<u32>) -> VmFault<'f> {
    let count = lock.try_read();
    let _copy: u32 = *count;
    ctx.finish()
}

fn main() {}
