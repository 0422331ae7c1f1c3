//! G2: a page is locked to hand it back, which is a fault's way.
use vmctx::{MmapCtx, Normal, Platform};

fn fill<P: Platform>(ctx: MmapCtx<'_, P, Normal>, page: &P::Page) {
    let _locked = ctx.lock_page(page);
}

fn main() {}
