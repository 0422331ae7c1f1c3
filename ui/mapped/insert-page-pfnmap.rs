//! G9, G14: a page into a mapping of frames.
use vmctx::{Errno, MappedCtx, PageOffset, PfnMap, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, PfnMap>, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
    mapped.insert_page(at, page)
}

fn main() {}
