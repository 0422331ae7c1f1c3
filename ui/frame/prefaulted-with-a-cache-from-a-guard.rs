//! G11, G21: a neighbour's frame, cached in another way, of an object behind a lock.
use vmctx::{FaultCtx, FrameSource, PageOffset, PfnMap, Platform, RwLock};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, PfnMap>, memory: &'f P::RwLock<P::Iomem>, at: PageOffset) {
    let Some(memory) = memory.try_read() else { return };
    if let Some(frame) = memory.frame(at) {
        let prot = ctx.page_prot().write_combine();
        ctx.prefault_pfn_prot(at, frame, prot);
    }
}

fn main() {}
