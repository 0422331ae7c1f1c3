//! G5: answering through a mutably borrowed token.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn serve<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    ctx.insert_page(page)
}

fn main() {}
