//! G7: a page lock is given back by the thread that took it.
use vmctx::{Platform, UnlockedCtx};

fn require_send<T: Send>(_: T) {}

fn ioctl<P: Platform>(unlocked: &mut UnlockedCtx<'_, P>, page: &P::Page) {
    require_send(unlocked.lock_page(page))
}

fn main() {}
