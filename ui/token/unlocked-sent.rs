//! G7: the proof that no hook is running is this thread's.
use vmctx::{Platform, UnlockedCtx};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform>(ctx: UnlockedCtx<'_, P>) {
    require_send(ctx)
}

fn main() {}
