//! G13: where the memory was, after the guard was dropped.
use vmctx::{Location, MaySleep, PageCount, Platform, Relocatable};

fn look<P: Platform, L: Location<Platform = P>>(memory: &Relocatable<P, L>, may_sleep: MaySleep<'_>) {
    let resident = memory.resident(may_sleep);
    let location = resident.location();
    drop(resident);
    let _ = location.spot(PageCount::ZERO);
}

fn main() {}
