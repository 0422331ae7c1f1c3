//! G15, G21: a lock can be tried, but what is behind it is not the mapping's.
use vmctx::{FrameSource, MapPagesCtx, Mixed, Platform, RwLock, VmFault};

fn map_pages<'f, P: Platform>(mut ctx: MapPagesCtx<'f, P, Mixed>, memory: &'f P::RwLock<P::Iomem>) -> VmFault<'f> {
    let Some(memory) = memory.try_read() else { return ctx.finish() };
    for at in ctx.wanted() {
        if let Some(frame) = memory.frame(at) {
            ctx.prefault_mixed(at, frame);
        }
    }
    ctx.finish()
}

fn main() {}
