//! G13: a new place for memory that its users still see at the old one.
use vmctx::{Location, Platform, Relocatable};

fn save<P: Platform, L: Location<Platform = P>>(memory: &Relocatable<P, L>, there: L) -> L {
    memory.finish(there)
}

fn main() {}
