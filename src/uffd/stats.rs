//! What has happened.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::platform::FaultCode;

/// How often fault hooks have given each answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// NOPAGE: something was inserted, or the access is to be repeated.
    pub nopage: u64,
    /// A page was handed back.
    pub page: u64,
    /// The same, locked.
    pub locked: u64,
    /// RETRY
    pub retry: u64,
    /// SIGBUS
    pub sigbus: u64,
    /// OOM
    pub oom: u64,
    /// HWPOISON
    pub hwpoison: u64,
}

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
    nopage: AtomicU64,
    page: AtomicU64,
    locked: AtomicU64,
    retry: AtomicU64,
    sigbus: AtomicU64,
    oom: AtomicU64,
    hwpoison: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    /// A fault hook has answered this.
    pub(super) fn answered(&self, code: FaultCode) {
        count(if code.contains(FaultCode::OOM) {
            &self.oom
        } else if code.contains(FaultCode::HWPOISON) {
            &self.hwpoison
        } else if code.intersects(FaultCode::ERROR) {
            &self.sigbus
        } else if code.contains(FaultCode::RETRY) {
            &self.retry
        } else if code.contains(FaultCode::NOPAGE) {
            &self.nopage
        } else if code.contains(FaultCode::LOCKED) {
            &self.locked
        } else {
            &self.page
        });
    }

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
            answers: Answers {
                nopage: read(&self.nopage),
                page: read(&self.page),
                locked: read(&self.locked),
                retry: read(&self.retry),
                sigbus: read(&self.sigbus),
                oom: read(&self.oom),
                hwpoison: read(&self.hwpoison),
            },
        }
    }
}
