//! G10: a neighbour named by a bare number: bytes? pages? from where?
use vmctx::{FaultCtx, Mixed, Platform};

fn around<P: Platform>(ctx: &mut FaultCtx<'_, P, Mixed>, page: &P::Page) {
    ctx.prefault_page(4096, page);
}

fn main() {}
