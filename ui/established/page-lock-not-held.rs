//! G14: a page locked and unlocked in one breath; the driver denies that lint.
#![deny(unused_must_use)]
use vmctx::{PageCount, PageOffset, Platform, SharedObject, UnlockedCtx};

fn truncate<P: Platform>(
    unlocked: &mut UnlockedCtx<'_, P>,
    mappings: &SharedObject<P>,
    page: &P::Page,
    at: PageOffset,
) {
    unlocked.lock_page(page);
    mappings.unmap_once(at, PageCount::new(1), unlocked.may_sleep());
}

fn main() {}
