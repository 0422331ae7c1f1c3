//! A clock that orders reads of events and answers to faults, so that no driver is asked on behalf of nobody.
//!
//! In a kernel a fault hook runs in the thread that has the fault. Here it runs in another one, and by the time that one
//! looks at an event, the thread that faulted may have gone on long ago, by what was done for a neighbouring fault. If the
//! event were served all the same, the driver would be called without any access that explains it: a driver that loads
//! what is touched would load it after the last touch.
//!
//! So where a page was served after the read of an event had begun, whoever waits there is only woken. If its thread does
//! still wait, it faults again, and that is a new event.
//!
//! Between the moment at which the kernel hands out an event and the one at which its reader goes on, other threads may
//! serve. So a read has two times. A reader without work begins a read and sleeps in it: what is served meanwhile counts
//! as served for events that come later, and costs them a repetition.

use std::sync::atomic::{AtomicU64, Ordering};

use super::zeroed::Zeros;

/// Ticks before each read of events, in any session of the process, and when a mapping is made.
static CLOCK: AtomicU64 = AtomicU64::new(0);

/// The time.
#[inline]
pub(crate) fn now() -> u64 {
    CLOCK.load(Ordering::Acquire)
}

/// Gives back a time that is later than all times before.
#[inline]
pub(crate) fn tick() -> u64 {
    CLOCK.fetch_add(1, Ordering::AcqRel) + 1
}

/// When events were read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadAt {
    /// Before the kernel has handed them out.
    begun: u64,
    /// After that.
    done: u64,
}

impl ReadAt {
    /// Reads events, or does not.
    #[inline(always)]
    pub(crate) fn of<T, E>(read: impl FnOnce() -> Result<T, E>) -> Result<(T, Self), E> {
        let begun = tick();
        let events = read()?;
        Ok((events, Self { begun, done: now() }))
    }

    /// Whether they were read before this time, which was [ticked](tick).
    pub(crate) fn is_before(self, time: u64) -> bool {
        self.done < time
    }
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
    pub(crate) fn may_be_after(&self, read: ReadAt) -> bool {
        self.0.load(Ordering::Acquire) >= read.begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> ReadAt {
        ReadAt::of(|| Ok::<_, ()>(())).unwrap().1
    }

    #[test]
    fn what_was_served_after_a_read_is_known_to_be_newer() {
        let first = read();
        let stamp = Stamp::new(now());
        let second = read();
        assert_eq!((stamp.may_be_after(first), stamp.may_be_after(second)), (true, false));
        stamp.set(now());
        assert_eq!((stamp.may_be_after(second), stamp.may_be_after(read())), (true, false));
    }

    #[test]
    fn what_was_served_during_a_read_may_be_newer() {
        let stamp = Stamp::new(now());
        let (made, during) = ReadAt::of(|| {
            stamp.set(now());
            Ok::<_, ()>(tick())
        })
        .unwrap();
        assert!(stamp.may_be_after(during));
        assert!(!during.is_before(made), "the mapping was there when its event was handed out");
        assert!(during.is_before(tick()));
    }
}
