//! G21: an entry made writable with the frame of an object behind a lock, asked about a frame.
use vmctx::{Errno, FrameSource, Mixed, PfnMkwriteCtx, Platform, RwLock, VmFault};

fn pfn_mkwrite<'f, P: Platform>(ctx: PfnMkwriteCtx<'f, P, Mixed>, memory: &'f P::RwLock<P::Iomem>) -> VmFault<'f> {
    let memory = memory.read(ctx.may_sleep());
    match memory.frame(ctx.pgoff()) {
        Some(frame) => ctx.insert_mixed_mkwrite(frame),
        None => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
