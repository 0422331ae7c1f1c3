//! G13: a move whose end is forgotten leaves the memory where it was; the driver denies that lint.
#![deny(unused_must_use)]
use vmctx::{Location, MaySleep, Platform, Relocatable};

fn save<P: Platform, L: Location<Platform = P>>(memory: &Relocatable<P, L>, may_sleep: MaySleep<'_>) {
    memory.begin_move(may_sleep);
}

fn main() {}
