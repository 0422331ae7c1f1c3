//! G5: a large fault that is answered on one path only.
use vmctx::{FrameSource, HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    if let Some(frames) = bar.range(ctx.pgoff(), ctx.page_count()) {
        ctx.insert_huge_with(|_, _| Some(frames))
    }
}

fn main() {}
