//! What has happened in a session: counts, kept by each thread on its own.

use std::sync::atomic::{AtomicU64, Ordering};

use vmctx_hosted::answers::{self, AnswerCounters, Answers};

/// What has happened in a session so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Faults that the kernel has told of, without those that may have been served before that was looked at. One may be
    /// told twice, if its thread was interrupted by a signal.
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

/// The counts of one thread that serves, or of everybody else.
#[derive(Default)]
pub(crate) struct Counters {
    /// Only one thread counts here. It needs no atomic addition, which would cost it more.
    of_one_thread: bool,
    pub(crate) events: AtomicU64,
    pub(crate) handler_calls: AtomicU64,
    pub(crate) mkwrite_calls: AtomicU64,
    pub(crate) map_pages_calls: AtomicU64,
    pub(crate) inserted: AtomicU64,
    pub(crate) already_present: AtomicU64,
    pub(crate) refaults: AtomicU64,
    pub(crate) answers: AnswerCounters,
}

impl Counters {
    /// Counters that only one thread counts in.
    pub(crate) fn of_one_thread() -> Self {
        Self { of_one_thread: true, ..Self::default() }
    }

    /// Adds one to a counter.
    #[inline]
    pub(crate) fn count(&self, which: impl FnOnce(&Self) -> &AtomicU64) {
        self.add(which, 1);
    }

    #[inline]
    pub(crate) fn add(&self, which: impl FnOnce(&Self) -> &AtomicU64, more: u64) {
        answers::add(which(self), more, self.of_one_thread);
    }

    /// Adds what a thread has counted that is at its end.
    pub(crate) fn take_over(&self, other: &Self) {
        for (to, from) in self.all().zip(other.all()) {
            to.fetch_add(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    fn all(&self) -> impl Iterator<Item = &AtomicU64> {
        let own = [
            &self.events,
            &self.handler_calls,
            &self.mkwrite_calls,
            &self.map_pages_calls,
            &self.inserted,
            &self.already_present,
            &self.refaults,
        ];
        own.into_iter().chain(self.answers.all())
    }

    /// The sum of several threads' counts.
    pub(crate) fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Statistics {
        all.map(Self::snapshot).reduce(Statistics::and).unwrap_or_default()
    }

    fn snapshot(&self) -> Statistics {
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

impl Statistics {
    fn and(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            handler_calls: self.handler_calls + other.handler_calls,
            mkwrite_calls: self.mkwrite_calls + other.mkwrite_calls,
            map_pages_calls: self.map_pages_calls + other.map_pages_calls,
            inserted: self.inserted + other.inserted,
            already_present: self.already_present + other.already_present,
            refaults: self.refaults + other.refaults,
            answers: self.answers.and(other.answers),
        }
    }
}
