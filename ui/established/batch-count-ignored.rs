//! G2, G14: how many of a batch are in, does not get lost in an errno without a word.
use vmctx::{Errno, EstablishedCtx, Mixed, PageCount, PageOffset, Platform};

fn ioctl<P: Platform>(
    established: &EstablishedCtx<'_, P, Mixed>,
    at: PageOffset,
    pages: &[P::Page],
) -> Result<PageCount, Errno> {
    established.insert_pages(at, pages)
}

fn main() {}
