//! G2: fault-around without a fault.
use vmctx::{Mixed, MmapCtx, PageOffset, Platform};

fn fill<P: Platform>(ctx: &mut MmapCtx<'_, P, Mixed>, at: PageOffset, page: &P::Page) {
    ctx.prefault_page(at, page);
}

fn main() {}
