//! G7: two tokens for pages at hand.
use vmctx::{MapPagesCtx, Mixed, Platform};

fn require_clone<T: Clone>(_: T) {}

fn serve<P: Platform>(ctx: MapPagesCtx<'_, P, Mixed>) {
    require_clone(ctx)
}

fn main() {}
