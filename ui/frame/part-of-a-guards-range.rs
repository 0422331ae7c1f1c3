//! G21: a part of a range is borrowed from whom the range is borrowed from.
use vmctx::{Errno, FaultCtx, FrameSource, PageCount, PageOffset, PfnMap, Platform, RwLock, VmFault};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, memory: &'f P::RwLock<P::Iomem>) -> VmFault<'f> {
    let memory = memory.read(ctx.may_sleep());
    let all = memory.range(PageOffset::ZERO, memory.count());
    match all.and_then(|all| all.part(PageCount::new(1), PageCount::new(1))) {
        Some(part) => ctx.insert_pfn(part.first()),
        None => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
