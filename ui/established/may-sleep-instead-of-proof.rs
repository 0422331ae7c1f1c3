//! G14: the right to sleep is no proof that no hook is running.
use vmctx::{Errno, Handle, MaySleep, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(
    handle: &Handle<P, Mixed>,
    mut may_sleep: MaySleep<'_>,
    at: PageOffset,
    page: &P::Page,
) -> Result<(), Errno> {
    handle.lock(&mut may_sleep)?.insert_page(at, page)
}

fn main() {}
