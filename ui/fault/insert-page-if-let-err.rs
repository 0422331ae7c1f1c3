//! G1: looking for an errno in what a fault's insertion gives.
use vmctx::{FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) {
    if let Err(_errno) = ctx.insert_page(page) {}
}

fn main() {}
