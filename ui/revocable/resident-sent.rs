//! G7, G13: a guard is this thread's: it is this thread that holds the lock.
use vmctx::{Backing, Platform, Resident};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform, L: Backing<Platform = P>>(resident: Resident<'_, P, L>) {
    require_send(resident)
}

fn main() {}
