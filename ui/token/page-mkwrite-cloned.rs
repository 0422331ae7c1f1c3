//! G7: two tokens for a first store.
use vmctx::{Mixed, PageMkwriteCtx, Platform};

fn require_clone<T: Clone>(_: T) {}

fn serve<P: Platform>(ctx: PageMkwriteCtx<'_, P, Mixed>) {
    require_clone(ctx)
}

fn main() {}
