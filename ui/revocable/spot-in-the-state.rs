//! G13, G22: a place kept in the state, for when the memory is elsewhere.
use vmctx::{Backing, PageCount, Platform, Resident, Spot};

fn keep<P: Platform, B: Backing<Platform = P>>(
    resident: &Resident<'_, P, B>,
    kept: &'static core::cell::Cell<Option<Spot<'static, P>>>,
) {
    kept.set(resident.spot(PageCount::ZERO).ok());
}

fn main() {}
