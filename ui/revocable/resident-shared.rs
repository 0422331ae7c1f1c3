//! G7, G13: not even a look through this thread's lock from another one.
use vmctx::{Backing, Platform, Resident};

fn require_sync<T: Sync>(_: &T) {}

fn serve<P: Platform, L: Backing<Platform = P>>(resident: Resident<'_, P, L>) {
    require_sync(&resident)
}

fn main() {}
