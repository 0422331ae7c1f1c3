//! G5: falling back is an answer, and another cannot follow.
use vmctx::{HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    let _fallen_back = ctx.fallback();
    ctx.insert_huge_with(|_, entry| entry.of(bar))
}

fn main() {}
