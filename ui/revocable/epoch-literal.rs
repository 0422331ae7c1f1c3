//! G4, G7: a moment made up.
use vmctx::{Epoch, Backing, Platform};

fn forge<'f, 'r, P: Platform, L: Backing<Platform = P>>() -> Epoch<'f, 'r, P, L> {
    Epoch {}
}

fn main() {}
