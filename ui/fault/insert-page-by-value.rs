//! G16: an insertion takes its own reference to the page, and only borrows the driver's.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: P::Page) -> VmFault<'f> {
    ctx.insert_page(page)
}

fn main() {}
