//! G12: LOCKED needs a page that this hook locked.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    let page = ctx.page();
    ctx.allow_locked(page)
}

fn main() {}
