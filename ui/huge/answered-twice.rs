//! G5: a large entry tried again after it was answered.
use vmctx::{HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    let first = ctx.insert_huge_with(|_, entry| entry.of(bar));
    if first.is_error() { ctx.fallback() } else { first }
}

fn main() {}
