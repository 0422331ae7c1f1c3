//! G16: "already present" is a fault's success, and a mmap's EBUSY.
use vmctx::{Mixed, MmapCtx, Platform};

fn fill<P: Platform>(ctx: MmapCtx<'_, P, Mixed>, page: &P::Page) -> bool {
    ctx.insert_page(page).already_present()
}

fn main() {}
