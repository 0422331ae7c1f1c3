//! G15: waiting for a lock takes the right to sleep.
use vmctx::{Platform, RwLock};

fn count<P: Platform>(lock: &P::RwLock<u32>) -> u32 {
    *lock.read()
}

fn main() {}
