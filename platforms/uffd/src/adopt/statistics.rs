//! What has happened to a peer's memory: counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// What has happened to a peer's memory so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerStatistics {
    /// Faults that the kernel has told of. One may be told twice, if its thread was interrupted by a signal.
    pub faults: u64,
    /// Calls of fault hooks.
    pub handler_calls: u64,
    /// Pages that were copied into the peer.
    pub copied: u64,
    /// Pages of it that became the zero page.
    pub zeroed: u64,
    /// Insertions that found something in place.
    pub already_present: u64,
    /// Faults that were answered without any change.
    pub refaults: u64,
    /// Requests that the kernel has put off, because the peer was changing its mappings (EAGAIN).
    pub put_off: u64,
    /// Accesses that got a SIGBUS.
    pub failed: u64,
    /// Pages that the peer has given back. The same page counts each time.
    pub removed: u64,
    /// How often the peer has told that it has unmapped something.
    pub unmapped: u64,
    /// How often it has told that it has moved something.
    pub moved: u64,
    /// How often it has told of a child.
    pub forks: u64,
}

/// The counters behind them.
#[derive(Default)]
pub(crate) struct PeerCounters {
    pub(crate) faults: AtomicU64,
    pub(crate) handler_calls: AtomicU64,
    pub(crate) copied: AtomicU64,
    pub(crate) zeroed: AtomicU64,
    pub(crate) already_present: AtomicU64,
    pub(crate) refaults: AtomicU64,
    pub(crate) put_off: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) removed: AtomicU64,
    pub(crate) unmapped: AtomicU64,
    pub(crate) moved: AtomicU64,
    pub(crate) forks: AtomicU64,
}

/// Counts one more.
#[inline]
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl PeerCounters {
    pub(crate) fn snapshot(&self) -> PeerStatistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PeerStatistics {
            faults: read(&self.faults),
            handler_calls: read(&self.handler_calls),
            copied: read(&self.copied),
            zeroed: read(&self.zeroed),
            already_present: read(&self.already_present),
            refaults: read(&self.refaults),
            put_off: read(&self.put_off),
            failed: read(&self.failed),
            removed: read(&self.removed),
            unmapped: read(&self.unmapped),
            moved: read(&self.moved),
            forks: read(&self.forks),
        }
    }
}
