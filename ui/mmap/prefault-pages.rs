//! G2: fault-around of a whole window without a fault.
use vmctx::{Mixed, MmapCtx, PageOffset, Platform};

fn fill<P: Platform>(ctx: &mut MmapCtx<'_, P, Mixed>, at: PageOffset, pages: &[P::Page]) {
    ctx.prefault_pages(at, pages);
}

fn main() {}
