//! G15: the right to sleep of a page lock, used after the page was unlocked.
use vmctx::{PageCount, PageOffset, Platform, SharedObject, UnlockedCtx};

fn truncate<P: Platform>(
    unlocked: &mut UnlockedCtx<'_, P>,
    mappings: &SharedObject<P>,
    page: &P::Page,
    at: PageOffset,
) {
    let lock = unlocked.lock_page(page);
    let may_sleep = lock.may_sleep();
    drop(lock);
    mappings.unmap_once(at, PageCount::new(1), may_sleep);
}

fn main() {}
