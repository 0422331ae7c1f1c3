//! G15: a right to sleep in a thread's static.
use core::cell::Cell;
use vmctx::{MaySleep, Platform, UnlockedCtx};

fn keep<P: Platform>(slot: &'static Cell<Option<MaySleep<'static>>>, unlocked: &UnlockedCtx<'_, P>) {
    slot.set(Some(unlocked.may_sleep()));
}

fn main() {}
