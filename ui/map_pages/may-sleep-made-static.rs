//! G15: a right to sleep for ever.
use vmctx::{FaultCtx, MaySleep, Mixed, Platform};

fn for_ever<P: Platform>(ctx: &FaultCtx<'_, P, Mixed>) -> MaySleep<'static> {
    ctx.may_sleep()
}

fn main() {}
