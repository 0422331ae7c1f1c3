//! G14: used after its lock was given back.
use vmctx::{Errno, Handle, Mixed, PageOffset, Platform, UnlockedCtx};

fn ioctl<P: Platform>(
    handle: &Handle<P, Mixed>,
    unlocked: &mut UnlockedCtx<'_, P>,
    at: PageOffset,
    page: &P::Page,
) -> Result<(), Errno> {
    let established = handle.lock(unlocked)?;
    drop(established);
    established.insert_page(at, page)
}

fn main() {}
