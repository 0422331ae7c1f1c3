//! G13: the guard that could not be had.
use vmctx::{Location, Platform, Relocatable};

fn look<P: Platform, L: Location<Platform = P>>(memory: &Relocatable<P, L>) {
    let resident = memory.try_resident();
    let _ = resident.location();
}

fn main() {}
