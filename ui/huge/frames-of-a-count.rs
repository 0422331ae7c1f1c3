//! G24: a range that the driver makes of what the entry shows: `entry.page_count()` frames from `entry.start` on.
use vmctx::{FrameSource, HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    ctx.insert_huge_with(|_, entry| bar.range(entry))
}

fn main() {}
