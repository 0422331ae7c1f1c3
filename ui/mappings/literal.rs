//! G13: an object's mappings, made up.
use vmctx::{Mappings, Platform};

fn forge<P: Platform>(raw: P::Mappings) -> Mappings<P> {
    Mappings { raw }
}

fn main() {}
