//! G5: a store is answered by who owns its token.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: &PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.allow()
}

fn main() {}
