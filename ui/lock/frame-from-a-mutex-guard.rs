//! G21: what a mutex guards can be taken away when it is given back, and the frame stays with the user.
use vmctx::{Errno, FaultCtx, FrameSource, Mixed, Mutex, Platform, VmFault};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, memory: &'f P::Mutex<P::Iomem>) -> VmFault<'f> {
    let memory = memory.lock(ctx.may_sleep());
    match memory.frame(ctx.pgoff()) {
        Some(frame) => ctx.insert_mixed(frame),
        None => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
