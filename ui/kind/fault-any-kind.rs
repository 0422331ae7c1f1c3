//! G9: a helper for any kind cannot insert.
use vmctx::{FaultCtx, Platform, VmFault};

fn serve<'f, P: Platform, M>(ctx: FaultCtx<'f, P, M>, page: &P::Page) -> VmFault<'f> {
    ctx.insert_page(page)
}

fn main() {}
