//! G13: the mappings of an object on another platform.
use vmctx::{Mappings, Platform};

fn file<P: Platform, Q: Platform>(mappings: &Mappings<Q>) -> Option<&Mappings<P>> {
    Some(mappings)
}

fn main() {}
