//! What has happened.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::hosted::answers::{AnswerCounters, Answers};

/// What has happened in a session so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Faults that the kernel has told of. One may be told twice, if its thread was interrupted by a signal.
    pub events: u64,
    /// Calls of fault hooks.
    pub handler_calls: u64,
    /// Calls of `page_mkwrite` and `pfn_mkwrite`.
    pub mkwrite_calls: u64,
    /// Calls of `map_pages`.
    pub map_pages_calls: u64,
    /// Pages and frames that were inserted, or handed back and mapped.
    pub inserted: u64,
    /// Insertions that found something in place.
    pub already_present: u64,
    /// Faults that were answered without any change.
    pub refaults: u64,
    /// What fault hooks have answered.
    pub answers: Answers,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) events: AtomicU64,
    pub(super) handler_calls: AtomicU64,
    pub(super) mkwrite_calls: AtomicU64,
    pub(super) map_pages_calls: AtomicU64,
    pub(super) inserted: AtomicU64,
    pub(super) already_present: AtomicU64,
    pub(super) refaults: AtomicU64,
    pub(super) answers: AnswerCounters,
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    pub(super) fn snapshot(&self) -> Statistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Statistics {
            events: read(&self.events),
            handler_calls: read(&self.handler_calls),
            mkwrite_calls: read(&self.mkwrite_calls),
            map_pages_calls: read(&self.map_pages_calls),
            inserted: read(&self.inserted),
            already_present: read(&self.already_present),
            refaults: read(&self.refaults),
            answers: self.answers.snapshot(),
        }
    }
}
