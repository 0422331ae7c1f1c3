//! G7, G13: a move is this thread's: it is this thread that holds the lock.
use vmctx::{Location, Moving, Platform};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform, L: Location<Platform = P>>(moving: Moving<'_, P, L>) {
    require_send(moving)
}

fn main() {}
