//! G13, G17: an insertion point of the driver's own for memory that moves.
use vmctx::{Backing, Platform, Resident};

struct Mine;

fn insert<P: Platform, L: Backing<Platform = P>>(resident: &Resident<'_, P, L>) {
    resident.insert(Mine)
}

fn main() {}
