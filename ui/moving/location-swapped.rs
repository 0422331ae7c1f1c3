//! G13: a new place, swapped in through the guard.
use vmctx::{Location, Platform, Resident};

fn save<P: Platform, L: Location<Platform = P>>(resident: &mut Resident<'_, P, L>, there: &mut L) {
    core::mem::swap(resident.location(), there);
}

fn main() {}
