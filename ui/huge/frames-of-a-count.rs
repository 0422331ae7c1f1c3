//! G24: the frames of the entry's range by the place that the range has in the object, picked by the driver.
use vmctx::{FrameSource, HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    ctx.insert_huge_with(|ctx, entry| bar.range(entry.range().start, ctx.page_count()))
}

fn main() {}
