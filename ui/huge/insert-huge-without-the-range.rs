//! G24: frames for an entry whose range the driver has rounded by itself.
use vmctx::{FrameSource, HugeFaultCtx, PageOffset, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    let pages = ctx.page_count();
    let first = PageOffset::new(ctx.pgoff().index() / pages.get() * pages.get());
    match bar.range(first, pages) {
        Some(frames) => ctx.insert_huge(frames),
        None => ctx.fallback(),
    }
}

fn main() {}
