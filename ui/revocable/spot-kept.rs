//! G13, G22: a place returned from under its guard.
use vmctx::{Backing, Errno, MaySleep, PageCount, Platform, Revocable, Spot};

fn spot<'r, P: Platform, B: Backing<Platform = P>>(
    memory: &'r Revocable<P, B>,
    may_sleep: MaySleep<'_>,
) -> Result<Spot<'r, P>, Errno> {
    memory.resident(may_sleep).spot(PageCount::ZERO)
}

fn main() {}
