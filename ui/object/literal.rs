//! G13: an object's mappings, made up.
use vmctx::{Platform, SharedObject};

fn forge<P: Platform>(raw: P::Object) -> SharedObject<P> {
    SharedObject { raw }
}

fn main() {}
