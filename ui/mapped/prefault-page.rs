//! G11, G14: there is no fault to prefault around.
use vmctx::{Errno, MappedCtx, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, Mixed>, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
    mapped.prefault_page(at, page)
}

fn main() {}
