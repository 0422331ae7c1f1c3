//! G7: not even a look at a token from another thread.
use vmctx::{MmapCtx, Platform};

fn require_sync<T: Sync>(_: &T) {}

fn serve<P: Platform>(ctx: MmapCtx<'_, P>) {
    require_sync(&ctx)
}

fn main() {}
