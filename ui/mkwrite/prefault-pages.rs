//! G11: the window around a store is not prefaulted.
use vmctx::{Mixed, PageMkwriteCtx, PageOffset, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(
    mut ctx: PageMkwriteCtx<'f, P, Mixed>,
    at: PageOffset,
    pages: &[P::Page],
) -> VmFault<'f> {
    let _a_favour = ctx.prefault_pages(at, pages);
    ctx.allow()
}

fn main() {}
