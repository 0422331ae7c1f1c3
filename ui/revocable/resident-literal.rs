//! G7, G13: a guard made up field by field.
use vmctx::{Backing, Platform, Resident};

fn forge<'r, P: Platform, L: Backing<Platform = P>>() -> Resident<'r, P, L> {
    Resident {}
}

fn main() {}
