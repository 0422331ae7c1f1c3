//! G1, G8: a fault is "later".
use vmctx::{FaultCtx, Mixed, Platform};

fn fault<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) {
    let _ = ctx.fill_later();
}

fn main() {}
