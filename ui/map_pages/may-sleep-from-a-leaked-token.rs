//! G15: a fault's token leaked, for a right to sleep that outlives the fault.
use vmctx::{FaultCtx, MaySleep, Mixed, Platform};

fn for_ever<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) -> MaySleep<'static> {
    Box::leak(Box::new(ctx)).may_sleep()
}

fn main() {}
