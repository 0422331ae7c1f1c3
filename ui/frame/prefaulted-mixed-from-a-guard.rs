//! G21: a neighbour's frame is borrowed from the state, and not from the guard of a lock.

use vmctx::{Errno, FaultCtx, FrameSource, Mixed, PageOffset, Platform, RwLock, VmFault};

fn fault<'f, P: Platform>(
    mut ctx: FaultCtx<'f, P, Mixed>,
    bar: &'f P::RwLock<P::Iomem>,
    next: PageOffset,
) -> VmFault<'f> {
    let bar = bar.read(ctx.may_sleep());
    if let Some(frame) = bar.frame(next) {
        let _a_favour = ctx.prefault_mixed(next, frame);
    }
    ctx.fail(Errno::ENXIO)
}

fn main() {}
