//! G13: a place on another platform.
use vmctx::{Backing, Platform, Revocable};

fn make<P: Platform, Q: Platform, L: Backing<Platform = Q>>(_: Revocable<P, L>) {}

fn main() {}
