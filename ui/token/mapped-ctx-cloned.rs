//! G7: a locked mapping, twice.
use vmctx::{MappedCtx, Mixed, Platform};

fn require_clone<T: Clone>(_: T) {}

fn copy<P: Platform>(ctx: MappedCtx<'_, P, Mixed>) {
    require_clone(ctx)
}

fn main() {}
