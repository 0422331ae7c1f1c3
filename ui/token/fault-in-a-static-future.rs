//! G7: answering later, from a task.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn spawn_local<F: Future<Output = ()> + 'static>(_: F) {}

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) {
    spawn_local(async move {
        let _ = ctx.fail(Errno::EIO);
    })
}

fn main() {}
