//! G9, G14: pages into a mapping whose pages are handed back.
use vmctx::{Errno, MappedCtx, Normal, PageOffset, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, Normal>, at: PageOffset, pages: &[P::Page]) -> Result<(), Errno> {
    mapped.insert_pages(at, pages)?;
    Ok(())
}

fn main() {}
