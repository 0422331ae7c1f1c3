//! G21: a large entry of an object behind a lock.
use vmctx::{FrameSource, HugeFaultCtx, PfnMap, Platform, RwLock, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, memory: &'f P::RwLock<P::Iomem>) -> VmFault<'f> {
    let memory = memory.read(ctx.may_sleep());
    match ctx.entry_range().and_then(|entry| memory.range(entry.start, ctx.page_count())) {
        Some(frames) => ctx.insert_huge(frames),
        None => ctx.fallback(),
    }
}

fn main() {}
