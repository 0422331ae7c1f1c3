//! G1: unwrapping a fault's insertion.
use vmctx::{FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) {
    ctx.insert_page(page).unwrap()
}

fn main() {}
