//! G6, G14: an insertion into an established mapping is no success of a mmap.
use vmctx::{Errno, Mapped, MappedCtx, Mixed, PageOffset, Platform};

fn ioctl<'m, P: Platform>(
    mapped: &MappedCtx<'_, P, Mixed>,
    at: PageOffset,
    page: &P::Page,
) -> Result<Mapped<'m>, Errno> {
    mapped.insert_page(at, page)
}

fn main() {}
