//! G7: answering later, from a closure that outlives the hook.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn later<F: FnOnce() + 'static>(_: F) {}

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) {
    later(move || {
        let _ = ctx.fail(Errno::EIO);
    })
}

fn main() {}
