//! G7: not even a look at a token from another thread.
use vmctx::{FaultCtx, Mixed, Platform};

fn require_sync<T: Sync>(_: &T) {}

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) {
    require_sync(&ctx)
}

fn main() {}
