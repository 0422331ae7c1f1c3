//! G9, G14: the platform's own insertion takes what a locked mapping keeps to itself.
use vmctx::{Errno, MappedCtx, PfnMap, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, PfnMap>, page: &P::Page) -> Result<(), Errno> {
    P::mapped_insert_page(mapped, 0x1000, page)
}

fn main() {}
