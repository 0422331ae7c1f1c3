//! G9: a page handed back from a fault of a `PfnMap` mapping.
use vmctx::{FaultCtx, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, page: P::Page) -> VmFault<'f> {
    ctx.deliver(page)
}

fn main() {}
