//! G7: a locked mapping is this thread's.
use vmctx::{EstablishedCtx, Mixed, Platform};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform>(ctx: EstablishedCtx<'_, P, Mixed>) {
    require_send(ctx)
}

fn main() {}
