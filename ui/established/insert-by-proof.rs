//! G14: the proof is no mapping.
use vmctx::{Errno, PageOffset, Platform, UnlockedCtx};

fn ioctl<P: Platform>(unlocked: &mut UnlockedCtx<'_, P>, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
    unlocked.insert_page(at, page)
}

fn main() {}
