//! G15: a queue is allocated, and that takes the right to sleep.
use vmctx::{Errno, Platform, WaitQueue};

fn queue<P: Platform>() -> Result<P::WaitQueue, Errno> {
    P::WaitQueue::new()
}

fn main() {}
