//! G5: a store that is allowed and refused.
use vmctx::{Errno, Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    let _first = ctx.allow();
    ctx.fail(Errno::EIO)
}

fn main() {}
