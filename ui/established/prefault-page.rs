//! G11, G14: there is no fault to prefault around.
use vmctx::{Errno, EstablishedCtx, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(established: &EstablishedCtx<'_, P, Mixed>, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
    established.prefault_page(at, page)
}

fn main() {}
