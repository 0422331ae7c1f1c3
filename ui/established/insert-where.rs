//! G10, G14: outside a fault nothing says where the page goes.
use vmctx::{Errno, EstablishedCtx, Mixed, Platform};

fn ioctl<P: Platform>(established: &EstablishedCtx<'_, P, Mixed>, page: &P::Page) -> Result<(), Errno> {
    established.insert_page(page)
}

fn main() {}
