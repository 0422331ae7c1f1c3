//! G15: shared ownership is allocated, and that takes the right to sleep.
use vmctx::{Errno, Platform};

fn share<P: Platform>() -> Result<P::Ref<u32>, Errno> {
    P::share(1)
}

fn main() {}
