//! G7: answering later, from a closure that outlives the hook.
use vmctx::{Mixed, PfnMkwriteCtx, Platform};

fn later<F: FnOnce() + 'static>(_: F) {}

fn serve<P: Platform>(ctx: PfnMkwriteCtx<'_, P, Mixed>) {
    later(move || {
        let _ = ctx.allow();
    })
}

fn main() {}
