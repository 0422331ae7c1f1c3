//! G12: the reference of a page that was handed back is the core's.
use vmctx::{FaultCtx, Normal, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Normal>, page: P::Page) -> (VmFault<'f>, P::Page) {
    (ctx.deliver(page), page)
}

fn main() {}
