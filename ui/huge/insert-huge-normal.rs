//! G9: a large entry in a mapping whose pages are handed back.
use vmctx::{HugeFaultCtx, Normal, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, Normal>, bar: &'f P::Iomem) -> VmFault<'f> {
    ctx.insert_huge_with(|_, entry| entry.of(bar))
}

fn main() {}
