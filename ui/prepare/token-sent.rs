//! G25, G7: a token stays with its thread.
use vmctx::{Platform, PrepareCtx};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform>(ctx: PrepareCtx<'_, P>) {
    require_send(ctx)
}

fn main() {}
