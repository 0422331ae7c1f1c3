//! G11, G21: a neighbour's frame of an object in a table behind a lock.
use vmctx::{FaultCtx, FrameSource, PageOffset, PfnMap, Platform, RwLock};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, PfnMap>, memory: &'f P::RwLock<P::Iomem>, at: PageOffset) {
    let Some(memory) = memory.try_read() else { return };
    if let Some(frame) = memory.frame(at) {
        ctx.prefault_pfn(at, frame);
    }
}

fn main() {}
