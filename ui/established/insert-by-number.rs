//! G10, G14: a number is no offset.
use vmctx::{Errno, EstablishedCtx, Mixed, Platform};

fn ioctl<P: Platform>(established: &EstablishedCtx<'_, P, Mixed>, page: &P::Page) -> Result<(), Errno> {
    established.insert_page(0x7000_0000_0000, page)
}

fn main() {}
