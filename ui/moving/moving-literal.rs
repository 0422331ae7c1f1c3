//! G7, G13: a move made up field by field, of memory that nobody unmapped.
use vmctx::{Location, Moving, Platform};

fn forge<'r, P: Platform, L: Location<Platform = P>>() -> Moving<'r, P, L> {
    Moving {}
}

fn main() {}
