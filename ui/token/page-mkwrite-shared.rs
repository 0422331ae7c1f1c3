//! G7: not even a look at the token for a first store from another thread.
use vmctx::{Mixed, PageMkwriteCtx, Platform};

fn require_sync<T: Sync>(_: &T) {}

fn serve<P: Platform>(ctx: PageMkwriteCtx<'_, P, Mixed>) {
    require_sync(&ctx)
}

fn main() {}
