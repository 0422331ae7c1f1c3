//! G7: the token for a first store to a frame is this thread's: the lock it stands for is.
use vmctx::{Mixed, PfnMkwriteCtx, Platform};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform>(ctx: PfnMkwriteCtx<'_, P, Mixed>) {
    require_send(ctx)
}

fn main() {}
