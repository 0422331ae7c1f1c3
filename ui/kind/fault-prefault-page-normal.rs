//! G9: a page beside the fault in a fault of a `Normal` mapping.
use vmctx::{FaultCtx, Normal, PageOffset, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, Normal>, at: PageOffset, page: &P::Page) {
    ctx.prefault_page(at, page);
}

fn main() {}
