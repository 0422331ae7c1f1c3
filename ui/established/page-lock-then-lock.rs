//! G14: the mmap lock waited for under the page lock: a fault has the one and waits for the other.
use vmctx::{Errno, Handle, Mixed, PageOffset, Platform, UnlockedCtx};

fn ioctl<P: Platform>(
    handle: &Handle<P, Mixed>,
    unlocked: &mut UnlockedCtx<'_, P>,
    at: PageOffset,
    page: &P::Page,
) -> Result<(), Errno> {
    let _lock = unlocked.lock_page(page);
    handle.lock(unlocked)?.insert_page(at, page)
}

fn main() {}
