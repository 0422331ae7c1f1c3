//! A clock that orders reads of events and answers to faults, so that no driver is asked on behalf of nobody.
//!
//! In a kernel a fault hook runs in the thread that has the fault. Here it runs in another one, and by the time that one
//! looks at an event, the thread that faulted may have gone on long ago, by what was done for a neighbouring fault. If the
//! event were served all the same, the driver would be called without any access that explains it: a driver that loads
//! what is touched would load it after the last touch.
//!
//! So where a page was served after an event was read, whoever waits there is only woken. If its thread does still wait,
//! it faults again, and that is a new event.

use std::sync::atomic::{AtomicU64, Ordering};

use super::zeroed::Zeros;

/// Ticks whenever events were read, in any session of the process.
static CLOCK: AtomicU64 = AtomicU64::new(0);

/// The time.
#[inline]
pub(crate) fn now() -> u64 {
    CLOCK.load(Ordering::Acquire)
}

/// Events were read: gives back a time that is later than all times before.
#[inline]
pub(crate) fn tick() -> u64 {
    CLOCK.fetch_add(1, Ordering::AcqRel) + 1
}

/// When something was last served.
pub(crate) struct Stamp(AtomicU64);

// SAFETY: it is a number, of which zeros are the value 0: before all times.
unsafe impl Zeros for Stamp {}

impl Stamp {
    #[cfg(test)]
    fn new(now: u64) -> Self {
        Self(AtomicU64::new(now))
    }

    #[inline]
    pub(crate) fn set(&self, now: u64) {
        self.0.store(now, Ordering::Release);
    }

    #[inline]
    pub(crate) fn is_since(&self, read: u64) -> bool {
        self.0.load(Ordering::Acquire) >= read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_is_known_to_be_older() {
        let read = tick();
        let stamp = Stamp::new(now());
        let again = tick();
        assert_eq!((stamp.is_since(read), stamp.is_since(again)), (true, false));
        stamp.set(now());
        assert_eq!((stamp.is_since(again), stamp.is_since(tick())), (true, false));
    }
}
