//! G7: the token, looked at by two threads.
use vmctx::{AccessCtx, PfnMap, Platform};

fn require_sync<T: Sync>(_: &T) {}

fn access<P: Platform>(ctx: AccessCtx<'_, P, PfnMap>) {
    require_sync(&ctx)
}

fn main() {}
