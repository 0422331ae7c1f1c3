//! G1: asking a fault's insertion whether it is an `Err`.
use vmctx::{FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> bool {
    ctx.insert_page(page).is_err()
}

fn main() {}
