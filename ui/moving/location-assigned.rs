//! G13: a new place, written over the old one.
use vmctx::{Location, Moving, Platform};

fn save<P: Platform, L: Location<Platform = P>>(moving: Moving<'_, P, L>, there: L) {
    *moving.location() = there;
}

fn main() {}
