//! G7: the token, kept for later.
use vmctx::{AccessCtx, PfnMap, Platform};

fn keep<P: Platform>(ctx: AccessCtx<'_, P, PfnMap>) -> AccessCtx<'static, P, PfnMap> {
    ctx
}

fn main() {}
