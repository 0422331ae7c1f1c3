//! Threads that race.

use std::{sync::Barrier, thread};

/// So many threads, which begin together.
pub(crate) fn all_at_once(threads: usize, each: impl Fn(usize) + Sync) {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        for thread in 0..threads {
            let (start, each) = (&start, &each);
            scope.spawn(move || {
                start.wait();
                each(thread);
            });
        }
    });
}
