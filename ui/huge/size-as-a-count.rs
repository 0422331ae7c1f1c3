//! G10: how large an entry is, is no count of pages.
use vmctx::{FrameSource, HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    match bar.range(ctx.pgoff(), ctx.size()) {
        Some(frames) => ctx.insert_huge(frames),
        None => ctx.fallback(),
    }
}

fn main() {}
