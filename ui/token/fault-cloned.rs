//! G7: two tokens of one fault would be two answers.
use vmctx::{FaultCtx, Mixed, Platform};

fn require_clone<T: Clone>(_: T) {}

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) {
    require_clone(ctx)
}

fn main() {}
