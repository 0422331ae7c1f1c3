//! G9, G14: a page into a mapping of frames.
use vmctx::{Errno, EstablishedCtx, PageOffset, PfnMap, Platform};

fn ioctl<P: Platform>(
    established: &EstablishedCtx<'_, P, PfnMap>,
    at: PageOffset,
    page: &P::Page,
) -> Result<(), Errno> {
    established.insert_page(at, page)
}

fn main() {}
