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
    ops::Range,
    sync::atomic::{AtomicU8, AtomicU64, Ordering},
};

/// A clock that ticks when something is served, in whichever session.
static CLOCK: AtomicU64 = AtomicU64::new(0);

/// The time.
pub(super) fn now() -> u64 {
    CLOCK.load(Ordering::Acquire)
}

fn tick() -> u64 {
    CLOCK.fetch_add(1, Ordering::AcqRel) + 1
}

/// Somebody serves the slot.
const BUSY: u8 = 1;
/// Somebody else has asked meanwhile.
const ASKED: u8 = 1 << 1;

/// The faults of each slot.
pub(super) struct Watch {
    /// When it was last served.
    served: Box<[AtomicU64]>,
    /// [`BUSY`], [`ASKED`]
    state: Box<[AtomicU8]>,
}

/// What to do about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// Serve it, and [end](Watch::end).
    Serve,
    /// Nothing: who serves the slot will wake everybody.
    Leave,
    /// Wake: the thread may have gone on already.
    Wake,
}

impl Watch {
    /// Of slots that are there from now on: events that were read before are of something else.
    pub(super) fn new(slots: usize) -> Self {
        let now = tick();
        Self {
            served: repeat_with(|| AtomicU64::new(now)).take(slots).collect(),
            state: repeat_with(AtomicU8::default).take(slots).collect(),
        }
    }

    /// An event for a slot that was read at the time `since`.
    pub(super) fn begin(&self, slot: usize, since: u64) -> Begin {
        let Some(state) = self.state.get(slot) else { return Begin::Wake };
        let ask = |old: u8| Some(if old & BUSY == 0 { BUSY } else { BUSY | ASKED });
        if state.fetch_update(Ordering::AcqRel, Ordering::Acquire, ask).is_ok_and(|old| old & BUSY != 0) {
            return Begin::Leave;
        }
        if !self.was_served(slot, since) {
            return Begin::Serve;
        }
        // Whoever has asked in between is woken as well.
        let _ = self.end(slot);
        Begin::Wake
    }

    /// It is dealt with; whether the slot has to be woken because somebody else has asked.
    #[must_use]
    pub(super) fn end(&self, slot: usize) -> bool {
        self.state.get(slot).is_some_and(|state| state.swap(0, Ordering::AcqRel) & ASKED != 0)
    }

    /// Everybody who waited in these slots was served, and woken.
    pub(super) fn served(&self, slots: Range<usize>) {
        // Where nobody reads events there is nothing to watch.
        if self.served.is_empty() {
            return;
        }
        let now = tick();
        for served in self.served.get(slots).into_iter().flatten() {
            served.store(now, Ordering::Release);
        }
    }

    /// Whether that was so since.
    pub(super) fn was_served(&self, slot: usize, since: u64) -> bool {
        self.served.get(slot).is_none_or(|served| served.load(Ordering::Acquire) > since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_served_once_for_everybody_who_waits() {
        let watch = Watch::new(2);
        let read = now();
        assert_eq!(watch.begin(0, read), Begin::Serve);
        assert_eq!((watch.begin(0, read), watch.begin(1, read)), (Begin::Leave, Begin::Serve));
        assert!(watch.end(0), "somebody else has asked");
        assert!(!watch.end(1));
        assert_eq!(watch.begin(0, read), Begin::Serve);
    }

    #[test]
    fn who_was_served_is_not_served_once_more() {
        let watch = Watch::new(2);
        let read = now();
        assert_eq!(watch.begin(0, read), Begin::Serve);
        assert_eq!(watch.begin(0, read), Begin::Leave);
        watch.served(0..2);
        assert!(watch.end(0), "it may have come after that");
        assert_eq!((watch.begin(0, read), watch.begin(1, read)), (Begin::Wake, Begin::Wake));
        assert_eq!((watch.begin(0, now()), watch.begin(1, now())), (Begin::Serve, Begin::Serve));
        assert_eq!((watch.was_served(0, read), watch.was_served(0, now())), (true, false));
    }

    #[test]
    fn what_is_of_no_slot_or_was_read_before_it_was_there_is_woken() {
        let before = now();
        let watch = Watch::new(1);
        assert_eq!((watch.begin(1, now()), watch.begin(0, before)), (Begin::Wake, Begin::Wake));
        assert_eq!(watch.begin(0, now()), Begin::Serve);
    }
}
