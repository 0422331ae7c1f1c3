//! G3: a store refused with a number.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.fail(-1)
}

fn main() {}
