//! G7: not even a look at the token for a first store to a frame from another thread.
use vmctx::{Mixed, PfnMkwriteCtx, Platform};

fn require_sync<T: Sync>(_: &T) {}

fn serve<P: Platform>(ctx: PfnMkwriteCtx<'_, P, Mixed>) {
    require_sync(&ctx)
}

fn main() {}
