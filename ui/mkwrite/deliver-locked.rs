//! G8, G12: a page that is written is allowed, not handed back.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    let page = ctx.lock_page();
    ctx.deliver_locked(page)
}

fn main() {}
