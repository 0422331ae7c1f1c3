//! G21: a page of the pool handed back as it is.
use vmctx::{FaultCtx, Normal, Platform, UniquePage, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Normal>, page: UniquePage<P>) -> VmFault<'f> {
    ctx.deliver(page)
}

fn main() {}
