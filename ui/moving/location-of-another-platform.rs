//! G13: a place on another platform.
use vmctx::{Location, Platform, Relocatable};

fn make<P: Platform, Q: Platform, L: Location<Platform = Q>>(_: Relocatable<P, L>) {}

fn main() {}
