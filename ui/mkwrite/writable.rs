//! G8, G19: the grant that users may write, when they are about to: it is answered with `allow`.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.writable().allow()
}

fn main() {}
