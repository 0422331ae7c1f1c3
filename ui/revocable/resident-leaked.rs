//! G13: a guard that is leaked is not one for ever: it borrows the memory.
use vmctx::{Backing, MaySleep, Platform, Revocable, Resident};

fn leak<P: Platform, L: Backing<Platform = P>>(
    memory: &Revocable<P, L>,
    may_sleep: MaySleep<'_>,
) -> &'static Resident<'static, P, L> {
    Box::leak(Box::new(memory.resident(may_sleep)))
}

fn main() {}
