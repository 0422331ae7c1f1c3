//! G7: the proof that no hook is running, looked at by another thread.
use vmctx::{Platform, UnlockedCtx};

fn require_sync<T: Sync>(_: &T) {}

fn serve<P: Platform>(ctx: UnlockedCtx<'_, P>) {
    require_sync(&ctx)
}

fn main() {}
