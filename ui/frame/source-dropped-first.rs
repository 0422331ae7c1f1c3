//! G13: the memory is given up between asking for a frame and inserting it.
use vmctx::{Errno, FaultCtx, FrameSource, PfnMap, Platform, VmFault};

fn give_up<T>(_: T) {}

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, bar: P::Iomem) -> VmFault<'f> {
    match bar.frame(ctx.pgoff()) {
        Some(frame) => {
            give_up(bar);
            ctx.insert_pfn(frame)
        }
        None => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
