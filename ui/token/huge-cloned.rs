//! G7: two tokens for a large entry.
use vmctx::{HugeFaultCtx, Mixed, Platform};

fn require_clone<T: Clone>(_: T) {}

fn serve<P: Platform>(ctx: HugeFaultCtx<'_, P, Mixed>) {
    require_clone(ctx)
}

fn main() {}
