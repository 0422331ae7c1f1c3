//! G15: waiting sleeps.
use vmctx::{Errno, MapPagesCtx, Mixed, Platform, VmFault, WaitQueue, Waited};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, queue: &P::WaitQueue) -> VmFault<'f> {
    let _waited: Result<Waited<'f>, Errno> = ctx.wait(queue.ticket());
    ctx.finish()
}

fn main() {}
