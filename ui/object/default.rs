//! G13, G15: an object is allocated.
use vmctx::{Platform, SharedObject};

fn forge<P: Platform>() -> SharedObject<P> {
    SharedObject::default()
}

fn main() {}
