//! G15: a lock that is only tried may not be had.
use vmctx::{Mutex, Platform};

fn count<P: Platform>(count: &P::Mutex<u32>) {
    *count.try_lock() += 1;
}

fn main() {}
