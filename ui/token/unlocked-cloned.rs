//! G7: the proof that no hook is running, twice.
use vmctx::{Platform, UnlockedCtx};

fn require_clone<T: Clone>(_: T) {}

fn copy<P: Platform>(ctx: UnlockedCtx<'_, P>) {
    require_clone(ctx)
}

fn main() {}
