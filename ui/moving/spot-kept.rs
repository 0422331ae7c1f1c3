//! G13: a place returned from under its guard.
use vmctx::{Location, MaySleep, PageCount, Platform, Relocatable, Spot};

fn spot<'r, P: Platform, L: Location<Platform = P>>(
    memory: &'r Relocatable<P, L>,
    may_sleep: MaySleep<'_>,
) -> Option<Spot<'r, P>> {
    memory.resident(may_sleep).location().spot(PageCount::ZERO)
}

fn main() {}
