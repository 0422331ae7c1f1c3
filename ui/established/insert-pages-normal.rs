//! G9, G14: pages into a mapping whose pages are handed back.
use vmctx::{Errno, EstablishedCtx, Normal, PageOffset, Platform};

fn ioctl<P: Platform>(
    established: &EstablishedCtx<'_, P, Normal>,
    at: PageOffset,
    pages: &[P::Page],
) -> Result<(), Errno> {
    established.insert_pages(at, pages)?;
    Ok(())
}

fn main() {}
