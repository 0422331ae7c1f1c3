//! G7: a token given away twice.
use vmctx::{FaultCtx, Mixed, Platform};

fn take<T>(_: T) {}

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) {
    take(ctx);
    take(ctx);
}

fn main() {}
