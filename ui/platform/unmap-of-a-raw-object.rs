//! G13, G15: what an object's mappings keep to themselves.
use vmctx::{Platform, SharedObject};

fn revoke<P: Platform>(mappings: &SharedObject<P>) -> &P::Object {
    &mappings.raw
}

fn main() {}
