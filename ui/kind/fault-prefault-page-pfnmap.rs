//! G9: a page beside the fault in a fault of a `PfnMap` mapping.
use vmctx::{FaultCtx, PageOffset, PfnMap, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, PfnMap>, at: PageOffset, page: &P::Page) {
    ctx.prefault_page(at, page);
}

fn main() {}
