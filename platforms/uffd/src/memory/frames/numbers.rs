//! Frame numbers, which no two memory objects of the program share.

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

/// Frames for devices: 1 GiB of holes.
pub(super) const DEVICE_FRAMES: u64 = 1 << 18;
/// Frame numbers are below this, as in a page table entry, and so that the bytes of all frames can be counted.
pub(super) const MOST_FRAMES: u64 = 1 << 52;

/// The numbers of all objects of the program.
pub(super) static NUMBERS: Numbers = Numbers::new(0);

/// So many frame numbers in a row that nothing has had, and nothing will have again.
pub(crate) fn take_numbers(count: u64) -> Option<Range<u64>> {
    NUMBERS.take(count)
}

/// The frame numbers that no object has had.
pub(super) struct Numbers(AtomicU64);

impl Numbers {
    pub(super) const fn new(first: u64) -> Self {
        Self(AtomicU64::new(first))
    }

    /// So many of them, aligned so that a device's memory is.
    pub(super) fn take(&self, count: u64) -> Option<Range<u64>> {
        let taken = |next: u64| {
            let start = next.checked_next_multiple_of(DEVICE_FRAMES)?;
            Some(start..start.checked_add(count).filter(|end| *end < MOST_FRAMES)?)
        };
        let next = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| Some(taken(next)?.end)).ok()?;
        taken(next)
    }
}
