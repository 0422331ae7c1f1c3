//! G7: a token is this thread's: the lock it stands for is.
use vmctx::{Mixed, MmapCtx, Platform};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform>(ctx: MmapCtx<'_, P, Mixed>) {
    require_send(ctx)
}

fn main() {}
