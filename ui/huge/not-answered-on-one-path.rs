//! G5: a large fault that is answered on one path only.
use vmctx::{HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    if ctx.is_shared() {
        ctx.insert_huge_with(|_, entry| entry.of(bar))
    }
}

fn main() {}
