//! G15: a spin lock is allocated, and that takes the right to sleep, although waiting for it does not.
use vmctx::{Errno, Platform, SpinLock};

fn make<P: Platform>() -> Result<P::SpinLock<u32>, Errno> {
    P::SpinLock::new(1)
}

fn main() {}
