//! G21: a frame that may have a page behind it, of an object behind a lock.
use vmctx::{Errno, FaultCtx, FrameSource, Mixed, Platform, RwLock, VmFault};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, memory: &'f P::RwLock<P::Iomem>) -> VmFault<'f> {
    let memory = memory.read(ctx.may_sleep());
    match memory.frame(ctx.pgoff()) {
        Some(frame) => ctx.insert_mixed(frame),
        None => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
