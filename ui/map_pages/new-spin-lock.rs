//! G15: a spin lock is allocated.
use vmctx::{MapPagesCtx, Mixed, Platform, SpinLock, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
    let _count = P::SpinLock::new(1_u32, ctx.may_sleep());
    ctx.finish()
}

fn main() {}
