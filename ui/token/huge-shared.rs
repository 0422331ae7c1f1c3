//! G7: not even a look at the token for a large entry from another thread.
use vmctx::{HugeFaultCtx, Mixed, Platform};

fn require_sync<T: Sync>(_: &T) {}

fn serve<P: Platform>(ctx: HugeFaultCtx<'_, P, Mixed>) {
    require_sync(&ctx)
}

fn main() {}
