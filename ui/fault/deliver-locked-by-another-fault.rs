//! G12: LOCKED only through a page that this fault locked, not another one.
use vmctx::{FaultCtx, LockedPage, Normal, Platform, VmFault};

fn serve<'a, 'b: 'a, P: Platform>(ctx: FaultCtx<'a, P, Normal>, locked: LockedPage<'b, P>) -> VmFault<'a> {
    ctx.deliver_locked(locked)
}

fn main() {}
