//! G13: the memory's place, replaced while it is held still.
use vmctx::{Location, Platform, Resident};

fn put<P: Platform, L: Location<Platform = P>>(mut resident: Resident<'_, P, L>, there: L) {
    resident.home.location = there;
}

fn main() {}
