//! G12: the lock given up behind the token's back.
use vmctx::{FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: &FaultCtx<'_, P, Mixed>) {
    P::release(ctx)
}

fn main() {}
