//! G7: a locked mapping is this thread's.
use vmctx::{MappedCtx, Mixed, Platform};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform>(ctx: MappedCtx<'_, P, Mixed>) {
    require_send(ctx)
}

fn main() {}
