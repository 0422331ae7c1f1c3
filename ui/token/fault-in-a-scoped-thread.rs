//! G7: answering from a worker, even one that ends before the hook does.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn on_a_worker<'scope, F: FnOnce() + Send + 'scope>(_: F) {}

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) {
    on_a_worker(move || {
        let _ = ctx.fail(Errno::EIO);
    })
}

fn main() {}
