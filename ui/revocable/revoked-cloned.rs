//! G7, G13: one move, finished twice.
use vmctx::{Backing, Revoked, Platform};

fn require_clone<T: Clone>(_: T) {}

fn copy<P: Platform, L: Backing<Platform = P>>(moving: Revoked<'_, P, L>) {
    require_clone(moving)
}

fn main() {}
