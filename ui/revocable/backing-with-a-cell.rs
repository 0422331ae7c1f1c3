//! G13: a place that changes without a move, by a cell.
use core::cell::Cell;
use vmctx::{Backing, Errno, PageCount, Platform, Spot};

struct Changing<P: Platform>(Cell<Option<P::Page>>);

impl<P: Platform> Backing for Changing<P> {
    type Platform = P;

    fn spot(&self, _at: PageCount) -> Result<Spot<'_, P>, Errno> {
        Err(Errno::ENXIO)
    }
}

fn main() {}
