//! G13, G22: a look at the memory without holding it.
use vmctx::{Backing, Errno, PageCount, Platform, Revocable, Spot};

fn look<P: Platform, B: Backing<Platform = P>>(memory: &Revocable<P, B>) -> Result<Spot<'_, P>, Errno> {
    memory.spot(PageCount::ZERO)
}

fn main() {}
