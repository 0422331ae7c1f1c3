//! G5: answering through a borrowed token, which would leave it for another answer.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn serve<'f, P: Platform>(ctx: &FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    ctx.insert_page(page)
}

fn main() {}
