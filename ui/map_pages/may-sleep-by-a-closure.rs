//! G15: a closure that brings the right to sleep along.
use vmctx::{FaultCtx, MaySleep, Mixed, Platform};

fn hand_over<'a>(_: impl Fn() -> MaySleep<'a> + 'static) {}

fn fault<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) {
    hand_over(move || ctx.may_sleep())
}

fn main() {}
