//! G1, G8: a first store is not answered by an insertion.
use vmctx::{Frame, Mixed, PageMkwriteCtx, Platform, VmFault};

fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_mixed(frame)
}

fn main() {}
