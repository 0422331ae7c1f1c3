//! G10, G14: slots are named by their offset in the object, not by an address.
use vmctx::{Errno, MappedCtx, Mixed, Platform, UserAddr};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, Mixed>, address: UserAddr, page: &P::Page) -> Result<(), Errno> {
    mapped.insert_page(address, page)
}

fn main() {}
