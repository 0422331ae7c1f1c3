//! G7: answering later, from a closure that outlives the hook.
use vmctx::{Mixed, PageMkwriteCtx, Platform};

fn later<F: FnOnce() + 'static>(_: F) {}

fn serve<P: Platform>(ctx: PageMkwriteCtx<'_, P, Mixed>) {
    later(move || {
        let _ = ctx.allow();
    })
}

fn main() {}
