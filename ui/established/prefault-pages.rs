//! G11, G14: there is no fault to prefault a window around.
use vmctx::{Errno, EstablishedCtx, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(
    established: &EstablishedCtx<'_, P, Mixed>,
    at: PageOffset,
    pages: &[P::Page],
) -> Result<(), Errno> {
    established.prefault_pages(at, pages)
}

fn main() {}
