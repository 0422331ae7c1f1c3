//! G7: the token is this thread's.
use vmctx::{AccessCtx, PfnMap, Platform};

fn require_send<T: Send>(_: T) {}

fn access<P: Platform>(ctx: AccessCtx<'_, P, PfnMap>) {
    require_send(ctx)
}

fn main() {}
