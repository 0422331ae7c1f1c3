//! G13, G15: an object is allocated.
use vmctx::{Mappings, Platform};

fn forge<P: Platform>() -> Mappings<P> {
    Mappings::default()
}

fn main() {}
