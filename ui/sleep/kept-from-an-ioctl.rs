//! G15: the right to sleep, carried out of its ioctl.
use vmctx::{MaySleep, Platform, UnlockedCtx};

fn keep<P: Platform>(unlocked: UnlockedCtx<'_, P>) -> MaySleep<'static> {
    unlocked.may_sleep()
}

fn main() {}
