//! G7: a locked mapping, looked at by another thread.
use vmctx::{EstablishedCtx, Mixed, Platform};

fn require_sync<T: Sync>(_: &T) {}

fn serve<P: Platform>(ctx: EstablishedCtx<'_, P, Mixed>) {
    require_sync(&ctx)
}

fn main() {}
