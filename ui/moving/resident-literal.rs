//! G7, G13: a guard made up field by field.
use vmctx::{Location, Platform, Resident};

fn forge<'r, P: Platform, L: Location<Platform = P>>() -> Resident<'r, P, L> {
    Resident {}
}

fn main() {}
