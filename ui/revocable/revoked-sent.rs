//! G7, G13: a move is this thread's: it is this thread that holds the lock.
use vmctx::{Backing, Revoked, Platform};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform, L: Backing<Platform = P>>(moving: Revoked<'_, P, L>) {
    require_send(moving)
}

fn main() {}
