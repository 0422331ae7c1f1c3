//! G14: one lock at a time needs the proof by `&mut`.
use vmctx::{Errno, Handle, Mixed, PageOffset, Platform, UnlockedCtx};

fn ioctl<P: Platform>(
    handle: &Handle<P, Mixed>,
    unlocked: &UnlockedCtx<'_, P>,
    at: PageOffset,
    page: &P::Page,
) -> Result<(), Errno> {
    handle.lock(unlocked)?.insert_page(at, page)
}

fn main() {}
