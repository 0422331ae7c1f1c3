//! G14: two mappings locked at once would wait for each other.
use vmctx::{Errno, Handle, Mixed, PageOffset, Platform, UnlockedCtx};

fn ioctl<P: Platform>(
    one: &Handle<P, Mixed>,
    other: &Handle<P, Mixed>,
    unlocked: &mut UnlockedCtx<'_, P>,
    at: PageOffset,
    page: &P::Page,
) -> Result<(), Errno> {
    let first = one.lock(unlocked)?;
    let second = other.lock(unlocked)?;
    first.insert_page(at, page)?;
    second.insert_page(at, page)
}

fn main() {}
