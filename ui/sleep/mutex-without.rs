//! G15: waiting for a mutex takes the right to sleep.
use vmctx::{Mutex, Platform};

fn count<P: Platform>(count: &P::Mutex<u32>) -> u32 {
    *count.lock()
}

fn main() {}
