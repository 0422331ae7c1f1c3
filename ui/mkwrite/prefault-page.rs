//! G11: neighbours of a store are not prefaulted.
use vmctx::{Mixed, PageMkwriteCtx, PageOffset, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(mut ctx: PageMkwriteCtx<'f, P, Mixed>, at: PageOffset, page: &P::Page) -> VmFault<'f> {
    let _a_favour = ctx.prefault_page(at, page);
    ctx.allow()
}

fn main() {}
