//! G9: pages around the fault in a fault of a `PfnMap` mapping.
use vmctx::{FaultCtx, PageOffset, PfnMap, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, PfnMap>, at: PageOffset, pages: &[P::Page]) {
    ctx.prefault_pages(at, pages);
}

fn main() {}
