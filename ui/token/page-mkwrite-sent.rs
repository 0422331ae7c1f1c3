//! G7: the token for a first store is this thread's: the lock it stands for is.
use vmctx::{Mixed, PageMkwriteCtx, Platform};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform>(ctx: PageMkwriteCtx<'_, P, Mixed>) {
    require_send(ctx)
}

fn main() {}
