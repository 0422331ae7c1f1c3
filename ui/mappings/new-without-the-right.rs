//! G15: an object is allocated, and that takes the right to sleep.
use vmctx::{Errno, Mappings, Platform};

fn make<P: Platform>() -> Result<Mappings<P>, Errno> {
    Mappings::new()
}

fn main() {}
