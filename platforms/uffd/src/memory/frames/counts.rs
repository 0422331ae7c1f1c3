//! How many references there are to each frame.
//!
//! Four frames share a word, so that a window of pages is counted with a quarter of the atomic operations, and in few
//! lines of the cache. A frame has 15 bits of it. Where these are full, half of what they count goes to a map, and a 16th
//! bit says so; it comes back when the last of the other half is put. So no number of references comes round.

use std::{
    collections::HashMap,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;

use crate::{
    error::RawErrno,
    kernel::{home::Home, zeroed::Zeroed},
};

/// How many frames share a word.
const LANES: usize = 4;
/// One reference to each of them.
const ONES: u64 = 0x0001_0001_0001_0001;
/// The most that a lane counts.
const MOST: u64 = 0x7fff;
/// In a lane: the map counts more.
const MORE: u64 = 0x8000;
/// What goes to the map and comes back.
const HALF: u64 = 0x4000;

pub(super) struct Counts {
    words: Zeroed<AtomicU64>,
    /// What lanes have no room for, by frames. Lanes have [`MORE`] while they have some here, and it is changed together
    /// with them, under this lock.
    above: Mutex<HashMap<usize, u64>>,
    home: Home,
}

/// The bits of one frame.
#[derive(Clone, Copy)]
struct Lane<'a> {
    word: &'a AtomicU64,
    shift: u32,
}

impl Lane<'_> {
    fn count_in(self, word: u64) -> u64 {
        word >> self.shift & MOST
    }

    fn has_more_in(self, word: u64) -> bool {
        word >> self.shift & MORE != 0
    }

    /// Changes the word by `change`, until that gives nothing. Gives back what it was.
    #[inline]
    fn change(self, success: Ordering, change: impl FnMut(u64) -> Option<u64>) -> Option<u64> {
        self.word.fetch_update(success, Ordering::Relaxed, change).ok()
    }
}

impl Counts {
    /// For so many frames, to which there are no references.
    pub(super) fn new(frames: usize) -> Result<Self, RawErrno> {
        Ok(Self { words: Zeroed::new(frames.div_ceil(LANES))?, above: Mutex::default(), home: Home::here()? })
    }

    #[inline]
    fn lane(&self, frame: usize) -> Option<Lane<'_>> {
        let shift = u16::BITS * u32::try_from(frame % LANES).unwrap_or(0);
        Some(Lane { word: self.words.get(frame / LANES)?, shift })
    }

    pub(super) fn of(&self, frame: usize) -> usize {
        let Some(lane) = self.lane(frame) else { return 0 };
        let mut word = lane.word.load(Ordering::Acquire);
        let mut more = 0;
        // In a child of fork the lock may be held by a thread that is not there.
        if lane.has_more_in(word) && self.home.is_here() {
            let above = self.above.lock();
            word = lane.word.load(Ordering::Acquire);
            more = above.get(&frame).copied().unwrap_or(0);
        }
        usize::try_from(lane.count_in(word).saturating_add(more)).unwrap_or(usize::MAX)
    }

    /// The first, of a frame to which there are none. Whoever finds it finds the frame's bytes as they are now.
    pub(super) fn begin(&self, frame: usize) {
        if let Some(Lane { word, shift }) = self.lane(frame) {
            word.fetch_add(1 << shift, Ordering::Release);
        }
    }

    /// One more, of a frame to which there are some.
    #[inline]
    pub(super) fn get(&self, frame: usize) {
        let Some(lane) = self.lane(frame) else { return };
        let more = |word| (lane.count_in(word) != MOST).then(|| word + (1 << lane.shift));
        while lane.change(Ordering::Relaxed, more).is_none() {
            if !self.make_room(frame, lane) {
                return;
            }
        }
    }

    /// One more of each, of frames to which there are some.
    #[inline]
    pub(super) fn get_all(&self, frames: Range<usize>) {
        let mut at = frames.start;
        while at < frames.end {
            let end = (at / LANES * LANES + LANES).min(frames.end);
            let Some(Lane { word, shift }) = self.lane(at) else { return };
            let ones = ONES >> (u16::BITS as usize * (LANES - (end - at))) << shift;
            let room = |word: u64| {
                let counts = (word & !(ONES * MORE)) + ones;
                (counts & (ONES * MORE) == 0).then(|| word + ones)
            };
            if word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
                (at..end).for_each(|frame| self.get(frame));
            }
            at = end;
        }
    }

    /// One more, if there are some. Whether there are.
    pub(super) fn get_unless_none(&self, frame: usize) -> bool {
        let Some(lane) = self.lane(frame) else { return false };
        loop {
            let more = |word| (1..MOST).contains(&lane.count_in(word)).then(|| word + (1 << lane.shift));
            if lane.change(Ordering::AcqRel, more).is_some() {
                return true;
            }
            if lane.count_in(lane.word.load(Ordering::Acquire)) == 0 || !self.make_room(frame, lane) {
                return false;
            }
        }
    }

    /// One less. Whether it was the last.
    pub(super) fn put(&self, frame: usize) -> bool {
        let Some(lane) = self.lane(frame) else { return false };
        let is_last_here = |word| lane.count_in(word) == 1;
        loop {
            let less = |word| (!(is_last_here(word) && lane.has_more_in(word))).then(|| word - (1 << lane.shift));
            if let Some(word) = lane.change(Ordering::AcqRel, less) {
                return is_last_here(word);
            }
            if !self.bring_back(frame, lane) {
                return false;
            }
        }
    }

    /// Half of what a full lane counts goes to the map. `false` in a child of fork, whose counts are of no use.
    #[cold]
    fn make_room(&self, frame: usize, lane: Lane<'_>) -> bool {
        if !self.home.is_here() {
            return false;
        }
        let mut above = self.above.lock();
        let room = |word| (lane.count_in(word) == MOST).then(|| (word - (HALF << lane.shift)) | MORE << lane.shift);
        // Somebody else may have been faster, or has put some.
        if lane.change(Ordering::Relaxed, room).is_some() {
            *above.entry(frame).or_default() += HALF;
        }
        true
    }

    /// What the map counts comes back to a lane that has one left. `false` in a child of fork.
    #[cold]
    fn bring_back(&self, frame: usize, lane: Lane<'_>) -> bool {
        if !self.home.is_here() {
            return false;
        }
        let mut above = self.above.lock();
        let rest = above.get(&frame).copied().unwrap_or(0).saturating_sub(HALF);
        let back = |word: u64| {
            let word = (lane.count_in(word) == 1 && lane.has_more_in(word)).then(|| word + (HALF << lane.shift))?;
            Some(if rest == 0 { word & !(MORE << lane.shift) } else { word })
        };
        if lane.change(Ordering::Relaxed, back).is_some() {
            if rest == 0 {
                above.remove(&frame);
            } else {
                above.insert(frame, rest);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_frame_has_more_references_than_its_lane_counts() {
        let counts = Counts::new(5).ok().unwrap();
        (0..4).for_each(|frame| counts.begin(frame));
        for wanted in 2..=200_000 {
            if wanted % 3 == 0 {
                counts.get_all(1..2);
            } else {
                counts.get(1);
            }
            assert!(wanted % 1000 != 0 || counts.of(1) == wanted);
        }
        assert!(counts.get_unless_none(1));
        counts.get_all(0..5);
        assert_eq!([0, 1, 2, 3, 4].map(|frame| counts.of(frame)), [2, 200_002, 2, 2, 1]);
        for wanted in (0..200_002).rev() {
            assert_eq!(counts.put(1), wanted == 0);
            assert!(wanted % 1000 != 0 || counts.of(1) == wanted);
        }
        assert!(!counts.get_unless_none(1));
        assert_eq!([0, 1, 2, 3, 4].map(|frame| counts.of(frame)), [2, 0, 2, 2, 1]);
        assert!(counts.above.lock().is_empty());
    }

    #[test]
    fn a_full_lane_has_room_for_whoever_asks_whether_the_frame_is_free() {
        let counts = Counts::new(1).ok().unwrap();
        counts.begin(0);
        (1..MOST).for_each(|_| counts.get(0));
        assert!(counts.get_unless_none(0));
        assert_eq!(counts.of(0) as u64, MOST + 1);
    }

    #[test]
    fn neighbours_are_counted_by_many_threads() {
        const EACH: usize = 20_000;
        let counts = Counts::new(6).ok().unwrap();
        (0..6).for_each(|frame| counts.begin(frame));
        thread::scope(|scope| {
            for first in 0..4 {
                let counts = &counts;
                scope.spawn(move || {
                    for _ in 0..EACH {
                        counts.get_all(first..first + 3);
                        counts.get(1);
                    }
                    for _ in 0..EACH {
                        assert!(!counts.put(1));
                        (first..first + 3).for_each(|frame| assert!(!counts.put(frame)));
                    }
                    for _ in 0..EACH {
                        assert!(counts.get_unless_none(first));
                    }
                });
            }
        });
        assert_eq!([0, 1, 2, 3, 4, 5].map(|frame| counts.of(frame)), [EACH + 1, EACH + 1, EACH + 1, EACH + 1, 1, 1]);
        assert!((0..6).all(|frame| (0..counts.of(frame)).filter(|_| counts.put(frame)).count() == 1));
        assert!(counts.above.lock().is_empty());
    }
}
