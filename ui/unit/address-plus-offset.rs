//! G10: an address and an offset do not add up.
use vmctx::{PageOffset, UserAddr};

fn address(base: UserAddr, at: PageOffset) -> UserAddr {
    base + at
}

fn main() {}
