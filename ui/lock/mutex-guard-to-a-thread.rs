//! G7: a lock is given back by the thread that has taken it, so its guard goes to no other.
use std::thread;

use vmctx::{MaySleep, Mutex, Platform};

fn hand_over<P: Platform>(count: &P::Mutex<u32>, may_sleep: MaySleep<'_>) {
    let mut held = count.lock(may_sleep);
    thread::scope(|scope| {
        scope.spawn(move || *held += 1);
    });
}

fn main() {}
