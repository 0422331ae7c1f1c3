//! G13: frames that the memory may not have.
use vmctx::{FrameSource, HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    ctx.insert_huge(bar.range(ctx.pgoff(), ctx.page_count()))
}

fn main() {}
