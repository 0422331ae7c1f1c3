//! G7: not even a look at the token for pages at hand from another thread.
use vmctx::{MapPagesCtx, Mixed, Platform};

fn require_sync<T: Sync>(_: &T) {}

fn serve<P: Platform>(ctx: MapPagesCtx<'_, P, Mixed>) {
    require_sync(&ctx)
}

fn main() {}
