//! Which faults are being served, and what was served when: so that no driver is asked on behalf of nobody.
//!
//! In a kernel a fault hook runs in the thread that has the fault. Here it runs in another one, and a thread that went on
//! by what was done for its neighbour is long gone when its own event is looked at. Served all the same, that would be a
//! call which no access explains: a driver that loads what is touched would load it after the last touch.
//!
//! So each slot is served by one thread at a time, for everybody who waits there; and where something was served since an
//! event was read, its thread is only woken. If it does wait there still, it has another event then.

use std::{
    iter::repeat_with,
    sync::atomic::{AtomicU8, AtomicU64, Ordering},
};

/// A clock that ticks when events were read, in whichever session.
static CLOCK: AtomicU64 = AtomicU64::new(0);

/// The time.
#[inline]
pub(super) fn now() -> u64 {
    CLOCK.load(Ordering::Acquire)
}

/// Events were read: a time that is later than that of everything before.
#[inline]
pub(super) fn tick() -> u64 {
    CLOCK.fetch_add(1, Ordering::AcqRel) + 1
}

/// When something was last served.
pub(super) struct Stamp(AtomicU64);

impl Stamp {
    pub(super) fn new(now: u64) -> Self {
        Self(AtomicU64::new(now))
    }

    #[inline]
    pub(super) fn set(&self, now: u64) {
        self.0.store(now, Ordering::Release);
    }

    #[inline]
    pub(super) fn is_since(&self, read: u64) -> bool {
        self.0.load(Ordering::Acquire) >= read
    }
}

/// Somebody serves the slot.
const BUSY: u8 = 1;
/// Somebody else has asked meanwhile.
const ASKED: u8 = 1 << 1;

/// Which slots are being served. A thread that serves alone needs it only while it waits, and another one takes its
/// place.
pub(super) struct Watch {
    state: Box<[AtomicU8]>,
}

impl Watch {
    pub(super) fn new(slots: usize) -> Self {
        Self { state: repeat_with(AtomicU8::default).take(slots).collect() }
    }

    /// Whether the slot is to be served, and [ended](Self::end). Else who serves it will wake everybody.
    #[must_use]
    pub(super) fn begin(&self, slot: usize) -> bool {
        let Some(state) = self.state.get(slot) else { return true };
        let ask = |old: u8| Some(if old & BUSY == 0 { BUSY } else { BUSY | ASKED });
        state.fetch_update(Ordering::AcqRel, Ordering::Acquire, ask).is_ok_and(|old| old & BUSY == 0)
    }

    /// It is dealt with; whether the slot has to be woken because somebody else has asked.
    #[must_use]
    pub(super) fn end(&self, slot: usize) -> bool {
        self.state.get(slot).is_some_and(|state| state.swap(0, Ordering::AcqRel) & ASKED != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_served_once_for_everybody_who_waits() {
        let watch = Watch::new(2);
        assert!(watch.begin(0));
        assert_eq!((watch.begin(0), watch.begin(1)), (false, true));
        assert!(watch.end(0), "somebody else has asked");
        assert!(!watch.end(1));
        assert!(watch.begin(0));
    }

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
