//! G15, G22: taking memory back waits, so it takes the right to sleep.
use vmctx::{Backing, Platform, Revocable};

fn take<P: Platform, B: Backing<Platform = P>>(memory: &Revocable<P, B>) {
    drop(memory.revoke());
}

fn main() {}
