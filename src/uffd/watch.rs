//! Which faults are being served, and what was served when: so that no driver is asked on behalf of nobody.
//!
//! In a kernel a fault hook runs in the thread that has the fault. Here it runs in another one, and a thread that went on
//! by what was done for its neighbour is long gone when its own event is looked at. Served all the same, that would be a
//! call which no access explains: a driver that loads what is touched would load it after the last touch.
//!
//! So each slot is served by one thread at a time, for everybody who waits there; and where something was served since an
//! event was read, its thread is only woken. If it does wait there still, it has another event then.

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

/// Somebody serves it.
const BUSY: u64 = 1;
/// Somebody else has asked meanwhile.
const ASKED: u64 = 1 << 1;
const FLAGS: u64 = BUSY | ASKED;

/// For each slot, when it was last served, by the clock of the [`Userfault`](super::userfault::Userfault); and the two
/// flags.
pub(super) struct Watch {
    slots: Box<[AtomicU64]>,
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
    pub(super) fn new(slots: usize) -> Self {
        Self { slots: std::iter::repeat_with(AtomicU64::default).take(slots).collect() }
    }

    /// An event for a slot, whose thread was not served yet at the time `since`.
    pub(super) fn begin(&self, slot: usize, since: u64) -> Begin {
        let Some(state) = self.slots.get(slot) else { return Begin::Wake };
        let mut begin = Begin::Wake;
        let change = |old: u64| {
            let (next, new) = if old & BUSY != 0 {
                (Begin::Leave, Some(old | ASKED))
            } else if old >> FLAGS.count_ones() > since {
                (Begin::Wake, None)
            } else {
                (Begin::Serve, Some(old | BUSY))
            };
            begin = next;
            new
        };
        let _ = state.fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
        begin
    }

    /// The slot is served; whether it has to be woken because somebody else has asked.
    #[must_use]
    pub(super) fn end(&self, slot: usize) -> bool {
        self.slots.get(slot).is_some_and(|state| state.fetch_and(!FLAGS, Ordering::AcqRel) & ASKED != 0)
    }

    /// Everybody in these slots was served, and woken: also who has asked.
    pub(super) fn served(&self, slots: Range<usize>, now: u64) {
        for state in self.slots.get(slots).into_iter().flatten() {
            state.store(now << FLAGS.count_ones(), Ordering::Release);
        }
    }

    /// Whether that was so since.
    pub(super) fn was_served(&self, slot: usize, since: u64) -> bool {
        self.slots.get(slot).is_none_or(|state| state.load(Ordering::Acquire) >> FLAGS.count_ones() > since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_served_once_for_everybody_who_waits() {
        let watch = Watch::new(2);
        assert_eq!(watch.begin(0, 0), Begin::Serve);
        assert_eq!((watch.begin(0, 0), watch.begin(1, 0)), (Begin::Leave, Begin::Serve));
        assert!(watch.end(0), "somebody else has asked");
        assert!(!watch.end(1));
        assert_eq!(watch.begin(0, 0), Begin::Serve);
    }

    #[test]
    fn who_was_served_is_not_served_once_more() {
        let watch = Watch::new(2);
        assert_eq!(watch.begin(0, 0), Begin::Serve);
        assert_eq!(watch.begin(0, 0), Begin::Leave);
        watch.served(0..2, 1);
        assert!(!watch.end(0), "it was among them");
        assert_eq!((watch.begin(0, 0), watch.begin(1, 0)), (Begin::Wake, Begin::Wake));
        assert_eq!((watch.begin(0, 1), watch.begin(1, 1)), (Begin::Serve, Begin::Serve));
        assert_eq!((watch.was_served(0, 0), watch.was_served(0, 1)), (true, false));
    }

    #[test]
    fn what_is_no_slot_is_woken() {
        assert_eq!(Watch::new(1).begin(1, 9), Begin::Wake);
    }
}
