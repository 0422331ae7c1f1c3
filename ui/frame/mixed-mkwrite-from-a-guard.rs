//! G21: a frame that is inserted writable at once is borrowed from the state, and not from the guard of a lock.

use vmctx::{Errno, FaultCtx, FrameSource, Mixed, Platform, RwLock, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, bar: &'f P::RwLock<P::Iomem>) -> VmFault<'f> {
    let bar = bar.read(ctx.may_sleep());
    match bar.frame(ctx.pgoff()) {
        Some(frame) => ctx.insert_mixed_mkwrite(frame),
        None => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
