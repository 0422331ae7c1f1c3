//! G7: the proof that no hook is running, hidden behind `dyn Any`.
use vmctx::{Platform, UnlockedCtx};

fn hide(_: &dyn core::any::Any) {}

fn keep<P: Platform>(ctx: UnlockedCtx<'_, P>) {
    hide(&ctx)
}

fn main() {}
