//! G7: the proof that no hook is running, kept for later.
use vmctx::{Platform, UnlockedCtx};

fn keep<P: Platform>(ctx: UnlockedCtx<'_, P>) -> UnlockedCtx<'static, P> {
    ctx
}

fn main() {}
