//! G10: a user's address is no pointer.
use vmctx::{FaultCtx, Mixed, Platform};

fn peek<P: Platform>(ctx: &FaultCtx<'_, P, Mixed>) -> u8 {
    *ctx.user_address_for_odd_page_sizes()
}

fn main() {}
