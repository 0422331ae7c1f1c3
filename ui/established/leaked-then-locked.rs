//! G14: a locked mapping that is leaked, and used after another was locked.
use vmctx::{Errno, Handle, Mixed, PageOffset, Platform, UnlockedCtx};

fn ioctl<P: Platform>(
    handle: &Handle<P, Mixed>,
    unlocked: &mut UnlockedCtx<'_, P>,
    at: PageOffset,
    page: &P::Page,
) -> Result<(), Errno> {
    let first = Box::leak(Box::new(handle.lock(unlocked)?));
    let second = handle.lock(unlocked)?;
    first.insert_page(at, page)?;
    second.insert_page(at, page)
}

fn main() {}
