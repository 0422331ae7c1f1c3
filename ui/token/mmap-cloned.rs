//! G7: two tokens of one mmap, one to fail with and one to succeed with.
use vmctx::{Mixed, MmapCtx, Platform};

fn require_clone<T: Clone>(_: T) {}

fn serve<P: Platform>(ctx: MmapCtx<'_, P, Mixed>) {
    require_clone(ctx)
}

fn main() {}
