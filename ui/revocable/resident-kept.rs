//! G13: a guard that outlives the memory whose lock it holds.
use vmctx::{Backing, MaySleep, Platform, Revocable, Resident};

fn keep<P: Platform, L: Backing<Platform = P>>(
    memory: &Revocable<P, L>,
    may_sleep: MaySleep<'_>,
) -> Resident<'static, P, L> {
    memory.resident(may_sleep)
}

fn main() {}
