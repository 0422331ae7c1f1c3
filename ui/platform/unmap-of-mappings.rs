//! G13, G15: what an object's mappings keep to themselves.
use vmctx::{Mappings, Platform};

fn revoke<P: Platform>(mappings: &Mappings<P>) -> &P::Mappings {
    &mappings.raw
}

fn main() {}
