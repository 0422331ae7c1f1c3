//! G15: a wait queue is allocated.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault, WaitQueue};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
    let _queue = P::WaitQueue::new(ctx.may_sleep());
    ctx.finish()
}

fn main() {}
