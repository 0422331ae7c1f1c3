//! G21: an entry made writable with the frame of an object behind a lock.
use vmctx::{Errno, FrameSource, Mixed, PageMkwriteCtx, Platform, RwLock, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>, memory: &'f P::RwLock<P::Iomem>) -> VmFault<'f> {
    let memory = memory.read(ctx.may_sleep());
    match memory.frame(ctx.pgoff()) {
        Some(frame) => ctx.insert_mixed_mkwrite(frame),
        None => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
