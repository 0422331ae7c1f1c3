//! G9: pages around the fault in a fault of a `Normal` mapping.
use vmctx::{FaultCtx, Normal, PageOffset, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, Normal>, at: PageOffset, pages: &[P::Page]) {
    ctx.prefault_pages(at, pages);
}

fn main() {}
