//! G15: the right to sleep, kept after the access.
use vmctx::{AccessCtx, MaySleep, PfnMap, Platform};

fn keep<P: Platform>(ctx: AccessCtx<'_, P, PfnMap>) -> MaySleep<'static> {
    ctx.may_sleep()
}

fn main() {}
