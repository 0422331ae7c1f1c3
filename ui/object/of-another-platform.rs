//! G13: the mappings of an object on another platform.
use vmctx::{Platform, SharedObject};

fn file<P: Platform, Q: Platform>(mappings: &SharedObject<Q>) -> Option<&SharedObject<P>> {
    Some(mappings)
}

fn main() {}
