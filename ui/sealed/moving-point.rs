//! G13, G17: an insertion point of the driver's own for memory that moves.
use vmctx::{Location, Platform, Resident};

struct Mine;

fn insert<P: Platform, L: Location<Platform = P>>(resident: &Resident<'_, P, L>) {
    resident.insert(Mine)
}

fn main() {}
