//! G7, G13: a second guard, which nobody took the lock for.
use vmctx::{Backing, Platform, Resident};

fn require_clone<T: Clone>(_: T) {}

fn copy<P: Platform, L: Backing<Platform = P>>(resident: Resident<'_, P, L>) {
    require_clone(resident)
}

fn main() {}
