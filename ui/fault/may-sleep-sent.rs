//! G7, G15: the right to sleep is this thread's.
use vmctx::{FaultCtx, Mixed, Platform};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) {
    require_send(ctx.may_sleep())
}

fn main() {}
