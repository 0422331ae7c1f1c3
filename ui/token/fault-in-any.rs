//! G7: a token hidden behind `dyn Any`, whose type forgets the hook.
use vmctx::{FaultCtx, Mixed, Platform};

fn hide(_: &dyn core::any::Any) {}

fn keep<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) {
    hide(&ctx)
}

fn main() {}
