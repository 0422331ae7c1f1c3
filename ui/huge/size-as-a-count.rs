//! G10: how large an entry is, is no count of pages.
use vmctx::{FrameSource, HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    ctx.insert_huge_with(|ctx, entry| entry.in_extent(entry.range().start, bar.range(entry.range().start, ctx.size())?))
}

fn main() {}
