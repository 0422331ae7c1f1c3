//! G1: a store is answered, not a success reported.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    let _answer = ctx.allow();
    Ok(())
}

fn main() {}
