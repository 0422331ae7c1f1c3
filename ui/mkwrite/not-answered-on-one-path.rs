//! G5: a store that is answered on one path only.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    if ctx.is_shared() {
        ctx.allow()
    }
}

fn main() {}
