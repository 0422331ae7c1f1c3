//! G7, G13: not even a look through this thread's lock from another one.
use vmctx::{Backing, Revoked, Platform};

fn require_sync<T: Sync>(_: &T) {}

fn serve<P: Platform, L: Backing<Platform = P>>(moving: Revoked<'_, P, L>) {
    require_sync(&moving)
}

fn main() {}
