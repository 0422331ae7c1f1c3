//! G24: an entry's frames by the offset that was touched, rounded (CVE-2024-50022 device-dax).
use vmctx::{FrameSource, HugeFaultCtx, PageOffset, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    ctx.insert_huge_with(|ctx, _| {
        let pages = ctx.page_count();
        bar.range(PageOffset::new(ctx.pgoff().index() / pages.get() * pages.get()), pages)
    })
}

fn main() {}
