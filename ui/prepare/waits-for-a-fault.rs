//! G25: a prepare hook waits for no fault: what it would wake it holds up.
use vmctx::{Errno, Normal, Platform, PrepareCtx, Prepared, WaitQueue};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    queue: &P::WaitQueue,
) -> Result<Prepared<'m, P, Normal>, Errno> {
    let _woken = ctx.wait(queue.ticket())?;
    ctx.by_faults()
}

fn main() {}
