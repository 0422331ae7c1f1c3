//! G8, G11: many single pages are no large entry.
use vmctx::{HugeFaultCtx, Mixed, PageOffset, Platform, VmFault};

fn huge_fault<'f, P: Platform>(mut ctx: HugeFaultCtx<'f, P, Mixed>, at: PageOffset, pages: &[P::Page]) -> VmFault<'f> {
    let _a_favour = ctx.prefault_pages(at, pages);
    ctx.fallback()
}

fn main() {}
