//! G7: filling the mapping from a closure that outlives the hook.
use vmctx::{Mixed, MmapCtx, Platform};

fn later<F: FnOnce() + 'static>(_: F) {}

fn serve<P: Platform>(ctx: MmapCtx<'_, P, Mixed>) {
    later(move || {
        let _ = ctx.finish();
    })
}

fn main() {}
