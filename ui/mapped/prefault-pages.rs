//! G11, G14: there is no fault to prefault a window around.
use vmctx::{Errno, MappedCtx, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, Mixed>, at: PageOffset, pages: &[P::Page]) -> Result<(), Errno> {
    mapped.prefault_pages(at, pages)
}

fn main() {}
