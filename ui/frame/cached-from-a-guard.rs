//! G21: a frame with a cache attribute of its own, of an object behind a lock.
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, RwLock, VmFault};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, memory: &'f P::RwLock<P::Iomem>) -> VmFault<'f> {
    let memory = memory.read(ctx.may_sleep());
    let prot = ctx.page_prot().write_combine();
    match memory.frame(ctx.pgoff()) {
        Some(frame) => ctx.insert_pfn_prot(frame, prot),
        None => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
