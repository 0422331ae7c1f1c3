//! G7: the token for a large entry is this thread's: the lock it stands for is.
use vmctx::{HugeFaultCtx, Mixed, Platform};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform>(ctx: HugeFaultCtx<'_, P, Mixed>) {
    require_send(ctx)
}

fn main() {}
