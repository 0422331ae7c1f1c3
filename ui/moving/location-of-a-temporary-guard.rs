//! G13: where the memory was, by a guard that was gone at the end of the line.
use vmctx::{Location, MaySleep, PageCount, Platform, Relocatable};

fn look<P: Platform, L: Location<Platform = P>>(memory: &Relocatable<P, L>, may_sleep: MaySleep<'_>) {
    let location = memory.resident(may_sleep).location();
    let _ = location.spot(PageCount::ZERO);
}

fn main() {}
