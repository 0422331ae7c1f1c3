//! G9: a page in a fault of a `Normal` mapping.
use vmctx::{FaultCtx, Normal, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Normal>, page: &P::Page) -> VmFault<'f> {
    ctx.insert_page(page)
}

fn main() {}
