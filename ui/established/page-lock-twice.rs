//! G14: two pages locked at once, in an order that another ioctl may have turned round.
use vmctx::{Platform, UnlockedCtx};

fn ioctl<P: Platform>(unlocked: &mut UnlockedCtx<'_, P>, one: &P::Page, other: &P::Page) {
    let _first = unlocked.lock_page(one);
    let _second = unlocked.lock_page(other);
}

fn main() {}
