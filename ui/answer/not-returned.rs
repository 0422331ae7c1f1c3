//! G5: a helper that answers and keeps it to itself.
#![deny(unused_must_use)]
use vmctx::{FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) {
    ctx.insert_page(page);
}

fn main() {}
