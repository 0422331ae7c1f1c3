//! G7: one token for two.
use vmctx::{AccessCtx, PfnMap, Platform};

fn twice<'a, P: Platform>(ctx: &AccessCtx<'a, P, PfnMap>) -> AccessCtx<'a, P, PfnMap> {
    ctx.clone()
}

fn main() {}
