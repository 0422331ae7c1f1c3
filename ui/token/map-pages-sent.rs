//! G7: the token for pages at hand is this thread's: the lock it stands for is.
use vmctx::{MapPagesCtx, Mixed, Platform};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform>(ctx: MapPagesCtx<'_, P, Mixed>) {
    require_send(ctx)
}

fn main() {}
