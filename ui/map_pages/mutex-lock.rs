//! G15: a mutex of the platform's is waited for.
use vmctx::{MapPagesCtx, Mixed, Mutex, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, count: &P::Mutex<u32>) -> VmFault<'f> {
    *count.lock(ctx.may_sleep()) += 1;
    ctx.finish()
}

fn main() {}
