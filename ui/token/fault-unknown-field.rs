//! G10: A field that the token does not have. What stands for the fields of C is not offered in its place.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    let _ = ctx.pte;
    ctx.insert_page(page)
}

fn main() {}
