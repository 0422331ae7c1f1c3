//! What was checked, what was wrong, and what is being checked.

use core::{
    fmt::{Debug, Display, Write},
    sync::atomic::{AtomicUsize, Ordering},
};
use std::{
    format,
    string::{String, ToString},
    sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    vec::Vec,
};

/// The checks of one scenario.
#[derive(Debug)]
pub struct Checks {
    made: usize,
    failed: Vec<String>,
    progress: Arc<Progress>,
    at: Arc<At>,
}

impl Default for Checks {
    fn default() -> Self {
        Self::shown_to(&Arc::default())
    }
}

impl Checks {
    /// Checks that whoever has this can follow.
    pub(crate) fn shown_to(progress: &Arc<Progress>) -> Self {
        Self::of_a_thread(progress, None, String::new())
    }

    fn of_a_thread(progress: &Arc<Progress>, thread: Option<usize>, what: String) -> Self {
        let at = Arc::new(At { thread, what: Mutex::new(what) });
        let mut threads = lock(&progress.threads);
        threads.retain(|thread| thread.strong_count() > 0);
        threads.push(Arc::downgrade(&at));
        drop(threads);
        Self { made: 0, failed: Vec::new(), progress: Arc::clone(progress), at }
    }

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

    /// Says what is done next. If that hangs, this is what is known of it.
    pub fn begin(&self, what: impl Display) {
        let mut at = lock(&self.at.what);
        at.clear();
        // Writing to a string does not fail.
        let _ = write!(at, "{what}");
    }

    /// One more check, which failed if there is a reason.
    pub fn verdict(&mut self, reason: Option<String>) {
        self.made += 1;
        self.progress.made.fetch_add(1, Ordering::Relaxed);
        if let Some(reason) = reason {
            lock(&self.progress.failed).push(reason.clone());
            self.failed.push(reason);
        }
    }

    /// Two things have to be the same.
    pub fn equal<T: PartialEq + Debug>(&mut self, what: impl Display, got: &T, wanted: &T) {
        self.begin(&what);
        self.verdict((got != wanted).then(|| format!("{what}: {got:?}, not {wanted:?}")));
    }

    /// Something has to succeed. What it gives, if it did.
    pub fn success<T, E: Display>(&mut self, what: impl Display, result: Result<T, E>) -> Option<T> {
        self.begin(&what);
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

    /// Something has to fail, with this error.
    pub fn failure<T, E: PartialEq + Display>(&mut self, what: impl Display, result: Result<T, E>, wanted: &E) {
        self.begin(&what);
        self.verdict(match result {
            Ok(_) => Some(format!("{what}: a success, not {wanted}")),
            Err(error) if error == *wanted => None,
            Err(error) => Some(format!("{what}: {error}, not {wanted}")),
        });
    }

    /// Adds the checks of so many threads, which begin together, each with its number. A panic of one is a check that
    /// has failed, for this reason.
    pub fn together(&mut self, threads: usize, panicked: impl Display, act: impl Fn(usize, &mut Self) + Sync) {
        let barrier = Barrier::new(threads);
        let begun = lock(&self.at.what).clone();
        let progress = &self.progress;
        let results: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|thread| {
                    let mut checks = Self::of_a_thread(progress, Some(thread), begun.clone());
                    let (act, barrier) = (&act, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        act(thread, &mut checks);
                        (checks.made, checks.failed)
                    })
                })
                .collect();
            running.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        for result in results {
            match result {
                // The progress has counted them already.
                Ok((made, failed)) => {
                    self.made += made;
                    self.failed.extend(failed);
                }
                Err(_) => self.verdict(Some(panicked.to_string())),
            }
        }
    }
}

/// What can be seen of checks by another thread while they are made.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    made: AtomicUsize,
    failed: Mutex<Vec<String>>,
    /// The threads that make checks. One that has ended is gone.
    threads: Mutex<Vec<Weak<At>>>,
}

/// What a thread that makes checks has begun, or checked last.
#[derive(Debug)]
struct At {
    /// Its number, if there are several.
    thread: Option<usize>,
    what: Mutex<String>,
}

impl Progress {
    /// How many checks were made.
    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// What was wrong so far.
    pub(crate) fn failed(&self) -> Vec<String> {
        lock(&self.failed).clone()
    }

    /// What each thread has begun last, a line each.
    pub(crate) fn begun(&self) -> Vec<String> {
        let threads: Vec<Arc<At>> = lock(&self.threads).iter().filter_map(Weak::upgrade).collect();
        let line = |at: &Arc<At>| {
            let thread = at.thread.map(|thread| format!(", of thread {thread}")).unwrap_or_default();
            format!("the last thing known{thread}: {}", lock(&at.what))
        };
        threads.iter().map(line).collect()
    }
}

/// Whoever has panicked with it has left a whole text or list.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
