//! G7: a locked mapping, twice.
use vmctx::{EstablishedCtx, Mixed, Platform};

fn require_clone<T: Clone>(_: T) {}

fn copy<P: Platform>(ctx: EstablishedCtx<'_, P, Mixed>) {
    require_clone(ctx)
}

fn main() {}
