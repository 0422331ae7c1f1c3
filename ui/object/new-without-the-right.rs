//! G15: an object is allocated, and that takes the right to sleep.
use vmctx::{Errno, Platform, SharedObject};

fn make<P: Platform>() -> Result<SharedObject<P>, Errno> {
    SharedObject::new()
}

fn main() {}
