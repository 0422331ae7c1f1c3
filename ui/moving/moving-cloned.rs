//! G7, G13: one move, finished twice.
use vmctx::{Location, Moving, Platform};

fn require_clone<T: Clone>(_: T) {}

fn copy<P: Platform, L: Location<Platform = P>>(moving: Moving<'_, P, L>) {
    require_clone(moving)
}

fn main() {}
