//! G13: a place kept in the state, for when the memory is elsewhere.
use vmctx::{Location, PageCount, Platform, Resident, Spot};

fn keep<P: Platform, L: Location<Platform = P>>(
    resident: &Resident<'_, P, L>,
    kept: &'static core::cell::Cell<Option<Spot<'static, P>>>,
) {
    kept.set(resident.location().spot(PageCount::ZERO));
}

fn main() {}
