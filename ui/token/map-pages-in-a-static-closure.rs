//! G7: answering later, from a closure that outlives the hook.
use vmctx::{MapPagesCtx, Mixed, Platform};

fn later<F: FnOnce() + 'static>(_: F) {}

fn serve<P: Platform>(ctx: MapPagesCtx<'_, P, Mixed>) {
    later(move || {
        let _ = ctx.finish();
    })
}

fn main() {}
