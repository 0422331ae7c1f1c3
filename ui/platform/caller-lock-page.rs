//! G14, G18: the platform's own page lock takes the caller that the proof keeps to itself.
use vmctx::{Platform, UnlockedCtx};

fn ioctl<P: Platform>(unlocked: &UnlockedCtx<'_, P>, page: &P::Page) {
    P::caller_lock_page(unlocked, page)
}

fn main() {}
