//! G10, G14: slots are named by their offset in the object, not by an address.
use vmctx::{Errno, EstablishedCtx, Mixed, Platform, UserAddr};

fn ioctl<P: Platform>(
    established: &EstablishedCtx<'_, P, Mixed>,
    address: UserAddr,
    page: &P::Page,
) -> Result<(), Errno> {
    established.insert_page(address, page)
}

fn main() {}
