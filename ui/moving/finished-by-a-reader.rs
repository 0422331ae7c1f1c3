//! G13: a new place, named by who only holds the memory still.
use vmctx::{Location, Platform, Resident};

fn save<P: Platform, L: Location<Platform = P>>(resident: Resident<'_, P, L>, there: L) -> L {
    resident.finish(there)
}

fn main() {}
