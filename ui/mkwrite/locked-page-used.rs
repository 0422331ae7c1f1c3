//! G12: the lock goes with the answer.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    let page = ctx.lock_page();
    let answer = ctx.allow_locked(page);
    drop(page);
    answer
}

fn main() {}
