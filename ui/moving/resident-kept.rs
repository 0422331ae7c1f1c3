//! G13: a guard that outlives the memory whose lock it holds.
use vmctx::{Location, MaySleep, Platform, Relocatable, Resident};

fn keep<P: Platform, L: Location<Platform = P>>(
    memory: &Relocatable<P, L>,
    may_sleep: MaySleep<'_>,
) -> Resident<'static, P, L> {
    memory.resident(may_sleep)
}

fn main() {}
