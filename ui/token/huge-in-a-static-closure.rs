//! G7: answering later, from a closure that outlives the hook.
use vmctx::{HugeFaultCtx, Mixed, Platform};

fn later<F: FnOnce() + 'static>(_: F) {}

fn serve<P: Platform>(ctx: HugeFaultCtx<'_, P, Mixed>) {
    later(move || {
        let _ = ctx.fallback();
    })
}

fn main() {}
