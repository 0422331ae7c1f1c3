//! G4, G7: a moment made up.
use vmctx::{Epoch, Location, Platform};

fn forge<'f, 'r, P: Platform, L: Location<Platform = P>>() -> Epoch<'f, 'r, P, L> {
    Epoch {}
}

fn main() {}
