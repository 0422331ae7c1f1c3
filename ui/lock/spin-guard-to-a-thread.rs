//! G7: a spin lock is given back by the thread that has taken it, on a platform that is known, too.
use std::thread;

use vmctx::{Platform, SpinLock};
use vmctx_sim::Sim;

fn hand_over(count: &<Sim as Platform>::SpinLock<u32>) {
    let mut held = count.lock();
    thread::scope(|scope| {
        scope.spawn(move || *held += 1);
    });
}

fn main() {}
