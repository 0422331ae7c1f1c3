//! G7: two tokens for a first store to a frame.
use vmctx::{Mixed, PfnMkwriteCtx, Platform};

fn require_clone<T: Clone>(_: T) {}

fn serve<P: Platform>(ctx: PfnMkwriteCtx<'_, P, Mixed>) {
    require_clone(ctx)
}

fn main() {}
