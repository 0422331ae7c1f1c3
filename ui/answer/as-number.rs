//! G3, G4: an answer looked at as a number.
use vmctx::{FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> u32 {
    ctx.insert_page(page) as u32
}

fn main() {}
