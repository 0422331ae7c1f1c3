//! G10, G14: a number is no offset.
use vmctx::{Errno, MappedCtx, Mixed, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, Mixed>, page: &P::Page) -> Result<(), Errno> {
    mapped.insert_page(0x7000_0000_0000, page)
}

fn main() {}
