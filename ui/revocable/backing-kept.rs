//! G13, G22: what the memory was, after the guard was dropped.
use vmctx::{Backing, MaySleep, PageCount, Platform, Revocable};

fn look<P: Platform, B: Backing<Platform = P>>(memory: &Revocable<P, B>, may_sleep: MaySleep<'_>) {
    let resident = memory.resident(may_sleep);
    let backing: &B = &resident;
    drop(resident);
    let _ = backing.spot(PageCount::ZERO);
}

fn main() {}
