//! G8: no page is handed back where one is written.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>, page: P::Page) -> VmFault<'f> {
    ctx.deliver(page)
}

fn main() {}
