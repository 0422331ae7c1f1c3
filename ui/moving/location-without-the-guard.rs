//! G13: looking where the memory is without holding it there.
use vmctx::{Location, Platform, Relocatable};

fn look<P: Platform, L: Location<Platform = P>>(memory: &Relocatable<P, L>) -> &L {
    memory.location()
}

fn main() {}
