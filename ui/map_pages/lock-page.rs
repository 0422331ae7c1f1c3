//! G15: locking a page sleeps.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    let _locked = ctx.lock_page(page);
    ctx.finish()
}

fn main() {}
