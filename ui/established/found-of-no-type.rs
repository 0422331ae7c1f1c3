//! G14: by address, a mapping is found only as somebody's.
use vmctx::{Errno, PageOffset, Platform, UnlockedCtx, UserAddr};

fn ioctl<P: Platform>(
    unlocked: &mut UnlockedCtx<'_, P>,
    address: UserAddr,
    at: PageOffset,
    page: &P::Page,
) -> Result<(), Errno> {
    unlocked.find(address)?.insert_page(at, page)
}

fn main() {}
