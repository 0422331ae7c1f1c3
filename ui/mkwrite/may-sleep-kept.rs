//! G15: the right to sleep ends with the answer.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>, memory: &P::Memory) -> VmFault<'f> {
    let may_sleep = ctx.may_sleep();
    let answer = ctx.allow();
    let _page = P::alloc_page(memory, may_sleep);
    answer
}

fn main() {}
