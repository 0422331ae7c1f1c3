//! G12: the page lock is handed over once.
use vmctx::{FaultCtx, LockedPage, Normal, Platform, VmFault};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, Normal>, locked: LockedPage<'f, P>) -> (VmFault<'f>, LockedPage<'f, P>) {
    (ctx.deliver_locked(locked), locked)
}

fn main() {}
