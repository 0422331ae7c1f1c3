//! G6, G14: an insertion into an established mapping is no success of a mmap.
use vmctx::{Errno, EstablishedCtx, Mapped, Mixed, PageOffset, Platform};

fn ioctl<'m, P: Platform>(
    established: &EstablishedCtx<'_, P, Mixed>,
    at: PageOffset,
    page: &P::Page,
) -> Result<Mapped<'m>, Errno> {
    established.insert_page(at, page)
}

fn main() {}
