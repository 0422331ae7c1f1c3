//! G14: an address is no handle: another mapping may be there by now.
use vmctx::{Handle, Mixed, Platform, UserAddr};

fn ioctl<P: Platform>(address: UserAddr) -> Handle<P, Mixed> {
    address.into()
}

fn main() {}
