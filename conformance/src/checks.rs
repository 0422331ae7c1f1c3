//! What was checked, and what was wrong.

use core::fmt::{Debug, Display};
use std::{
    format,
    string::{String, ToString},
    sync::Barrier,
    thread,
    vec::Vec,
};

/// The checks of one scenario.
#[derive(Debug, Default)]
pub struct Checks {
    made: usize,
    failed: Vec<String>,
}

impl Checks {
    /// How many checks were made.
    #[must_use]
    pub fn made(&self) -> usize {
        self.made
    }

    /// What was wrong, a line each.
    #[must_use]
    pub fn failed(&self) -> &[String] {
        &self.failed
    }

    /// One more check, which failed if there is a reason.
    pub fn verdict(&mut self, reason: Option<String>) {
        self.made += 1;
        self.failed.extend(reason);
    }

    /// Two things have to be the same.
    pub fn equal<T: PartialEq + Debug>(&mut self, what: impl Display, got: &T, wanted: &T) {
        self.verdict((got != wanted).then(|| format!("{what}: {got:?}, not {wanted:?}")));
    }

    /// Something has to succeed. What it gives, if it did.
    pub fn success<T, E: Display>(&mut self, what: impl Display, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                self.verdict(None);
                Some(value)
            }
            Err(error) => {
                self.verdict(Some(format!("{what}: {error}")));
                None
            }
        }
    }

    /// Something has to fail, and so.
    pub fn failure<T, E: PartialEq + Display>(&mut self, what: impl Display, result: Result<T, E>, wanted: &E) {
        self.verdict(match result {
            Ok(_) => Some(format!("{what}: a success, not {wanted}")),
            Err(error) if error == *wanted => None,
            Err(error) => Some(format!("{what}: {error}, not {wanted}")),
        });
    }

    /// Adds the checks of so many threads, which begin together, each with its number. A panic of one is a check that has
    /// failed, for this reason.
    pub fn together(&mut self, threads: usize, panicked: impl Display, act: impl Fn(usize, &mut Self) + Sync) {
        let barrier = Barrier::new(threads);
        let results: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|thread| {
                    let (act, barrier) = (&act, &barrier);
                    scope.spawn(move || {
                        let mut checks = Self::default();
                        barrier.wait();
                        act(thread, &mut checks);
                        checks
                    })
                })
                .collect();
            running.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        for result in results {
            match result {
                Ok(checks) => self.absorb(checks),
                Err(_) => self.verdict(Some(panicked.to_string())),
            }
        }
    }

    /// Adds the checks that a thread has made.
    fn absorb(&mut self, other: Self) {
        self.made += other.made;
        self.failed.extend(other.failed);
    }
}
