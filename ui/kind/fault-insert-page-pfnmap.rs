//! G9: a page in a fault of a `PfnMap` mapping.
use vmctx::{FaultCtx, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, page: &P::Page) -> VmFault<'f> {
    ctx.insert_page(page)
}

fn main() {}
