//! G10, G14: outside a fault nothing says where the page goes.
use vmctx::{Errno, MappedCtx, Mixed, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, Mixed>, page: &P::Page) -> Result<(), Errno> {
    mapped.insert_page(page)
}

fn main() {}
