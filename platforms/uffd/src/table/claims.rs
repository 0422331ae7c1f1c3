//! Which slots are being served: each by one thread at a time, for everybody who waits there.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::{error::RawErrno, kernel::zeroed::Zeroed};

/// A thread serves the slot.
const CLAIMED: u8 = 1;
/// Another thread wanted to serve it meanwhile, for an event of its own.
const ASKED: u8 = 1 << 1;

/// Which slots are being served. A thread that serves alone claims a slot only while its hook waits, because then other
/// threads serve.
pub(crate) struct Claims {
    slots: Zeroed<AtomicU8>,
}

impl Claims {
    pub(crate) fn new(slots: usize) -> Result<Self, RawErrno> {
        Ok(Self { slots: Zeroed::new(slots)? })
    }

    /// Whether the caller is to serve the slot, and to [release](Self::release) it then. Otherwise another thread serves
    /// it, and wakes everybody who waits there.
    #[must_use]
    pub(crate) fn claim(&self, slot: usize) -> bool {
        let Some(state) = self.slots.get(slot) else { return true };
        let ask = |old: u8| Some(if old & CLAIMED == 0 { CLAIMED } else { CLAIMED | ASKED });
        state.fetch_update(Ordering::AcqRel, Ordering::Acquire, ask).is_ok_and(|old| old & CLAIMED == 0)
    }

    /// The slot was served. Whether its waiters have to be woken, because another thread has asked for it meanwhile.
    #[must_use]
    pub(crate) fn release(&self, slot: usize) -> bool {
        self.slots.get(slot).is_some_and(|state| state.swap(0, Ordering::AcqRel) & ASKED != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_served_once_for_everybody_who_waits() {
        let claims = Claims::new(2).unwrap();
        assert!(claims.claim(0));
        assert_eq!((claims.claim(0), claims.claim(1)), (false, true));
        assert!(claims.release(0), "somebody else has asked");
        assert!(!claims.release(1));
        assert!(claims.claim(0));
    }
}
