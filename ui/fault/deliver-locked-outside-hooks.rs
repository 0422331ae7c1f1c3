//! G12: LOCKED only through a page that this fault locked, not an ioctl.
use vmctx::{FaultCtx, Normal, PageLock, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Normal>, lock: PageLock<'f, P>) -> VmFault<'f> {
    ctx.deliver_locked(lock)
}

fn main() {}
