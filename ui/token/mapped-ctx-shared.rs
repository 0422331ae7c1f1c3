//! G7: a locked mapping, looked at by another thread.
use vmctx::{MappedCtx, Mixed, Platform};

fn require_sync<T: Sync>(_: &T) {}

fn serve<P: Platform>(ctx: MappedCtx<'_, P, Mixed>) {
    require_sync(&ctx)
}

fn main() {}
