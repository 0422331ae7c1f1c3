//! G10: an offset made of an address: a difference of addresses is no offset (linux-mm, May 2007).
use vmctx::{PageOffset, UserAddr};

fn offset(address: UserAddr) -> PageOffset {
    address.into()
}

fn main() {}
