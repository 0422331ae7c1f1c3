//! G10: a neighbour named by address, where its page offset belongs.
use vmctx::{FaultCtx, Mixed, Platform, UserAddr};

fn around<P: Platform>(ctx: &mut FaultCtx<'_, P, Mixed>, page: &P::Page, address: UserAddr) {
    ctx.prefault_page(address, page);
}

fn main() {}
