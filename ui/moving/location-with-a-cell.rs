//! G13: a place that changes without a move, by a cell.
use core::cell::Cell;
use vmctx::{Location, PageCount, Platform, Spot};

struct Changing<P: Platform>(Cell<Option<P::Page>>);

impl<P: Platform> Location for Changing<P> {
    type Platform = P;

    fn spot(&self, _at: PageCount) -> Option<Spot<'_, P>> {
        None
    }
}

fn main() {}
