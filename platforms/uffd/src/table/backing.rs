//! Which frames the kernel has mapped where: as runs of slots, each of which is one mapping of the kernel's.

use std::{collections::BTreeMap, ops::Range};

/// From here on no frame has a number: what a slot shows in which there is never anything.
pub(crate) const NOWHERE: u64 = 1 << 60;

/// The frame of each slot at which the kernel has the memory object mapped, whether or not the page itself is mapped yet.
/// A slot that is in no run shows nothing: there is a reservation, or it is not this mapping's any more.
#[derive(Default)]
pub(crate) struct Backing {
    /// By their first slots.
    runs: BTreeMap<usize, Run>,
    /// The run that was last asked about, with its first slot.
    recent: Option<(usize, Run)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// One behind its last slot.
    end: usize,
    /// The frame of its first slot.
    first: u64,
}

impl Backing {
    fn run_of(&self, slot: usize) -> Option<(usize, Run)> {
        let (start, run) = self.runs.range(..=slot).next_back()?;
        (slot < run.end).then_some((*start, *run))
    }

    /// The frame that shows in a slot.
    pub(crate) fn frame(&self, slot: usize) -> Option<u64> {
        let (start, run) = self.run_of(slot)?;
        Some(run.first + (slot - start) as u64)
    }

    /// One behind the last slot of the kernel's mapping that shows in this one.
    pub(crate) fn end_of(&self, slot: usize) -> Option<usize> {
        self.run_of(slot).map(|(_, run)| run.end)
    }

    /// Whether these slots show the frames from `first` on, one after the other.
    #[inline]
    pub(crate) fn shows(&mut self, slots: &Range<usize>, first: u64) -> bool {
        let shows = |(start, run): (usize, Run)| {
            start <= slots.start && slots.end <= run.end && run.first + (slots.start - start) as u64 == first
        };
        if self.recent.is_some_and(shows) {
            return true;
        }
        self.recent = self.run_of(slots.start);
        self.recent.is_some_and(shows)
    }

    /// Those of these slots that show anything, as ranges that do not touch each other.
    pub(crate) fn showing(&self, slots: &Range<usize>) -> Vec<Range<usize>> {
        self.showing_what(slots, |_| true)
    }

    /// The same, of those that show the memory object.
    pub(crate) fn showing_frames(&self, slots: &Range<usize>) -> Vec<Range<usize>> {
        self.showing_what(slots, |first| first < NOWHERE)
    }

    /// The same, of those whose runs begin with such a frame.
    fn showing_what(&self, slots: &Range<usize>, is_wanted: impl Fn(u64) -> bool) -> Vec<Range<usize>> {
        let mut showing: Vec<Range<usize>> = Vec::new();
        let first = self.run_of(slots.start).map_or(slots.start, |(start, _)| start);
        for (start, run) in self.runs.range(first..slots.end).filter(|(_, run)| is_wanted(run.first)) {
            let part = (*start).max(slots.start)..run.end.min(slots.end);
            match showing.last_mut() {
                Some(last) if last.end == part.start => last.end = part.end,
                _ => showing.push(part),
            }
        }
        showing
    }

    /// These slots show the frames from `first` on from now on, or nothing.
    pub(crate) fn set(&mut self, slots: &Range<usize>, first: Option<u64>) {
        self.recent = None;
        self.cut(slots.start);
        self.cut(slots.end);
        let gone: Vec<usize> = self.runs.range(slots.clone()).map(|(start, _)| *start).collect();
        for start in gone {
            self.runs.remove(&start);
        }
        let Some(first) = first else { return };
        let mut joined = (slots.start, Run { end: slots.end, first });
        if let Some((start, before)) = slots.start.checked_sub(1).and_then(|slot| self.run_of(slot)) {
            if before.first + (slots.start - start) as u64 == first {
                joined = (start, Run { end: slots.end, first: before.first });
            }
        }
        if let Some((_, behind)) = self.run_of(slots.end) {
            if first + slots.len() as u64 == behind.first {
                joined.1.end = behind.end;
                self.runs.remove(&slots.end);
            }
        }
        self.runs.insert(joined.0, joined.1);
    }

    /// Cuts a run that goes over this slot, so that one begins there.
    fn cut(&mut self, slot: usize) {
        if let Some((start, run)) = self.run_of(slot).filter(|(start, _)| *start < slot) {
            self.runs.insert(start, Run { end: slot, ..run });
            self.runs.insert(slot, Run { end: run.end, first: run.first + (slot - start) as u64 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares with a table that has the frame of each slot.
    fn check(backing: &mut Backing, expected: &[Option<u64>]) {
        for (slot, frame) in expected.iter().enumerate() {
            assert_eq!(backing.frame(slot), *frame, "slot {slot}");
            assert_eq!(backing.shows(&(slot..slot + 1), 1000), *frame == Some(1000));
        }
    }

    #[test]
    fn runs_say_what_a_table_of_slots_would() {
        const SLOTS: usize = 40;
        let (mut backing, mut expected) = (Backing::default(), [None; SLOTS]);
        let mut seed = 1_u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        for _ in 0..5000 {
            let start = random(SLOTS);
            let slots = start..start + 1 + random(SLOTS - start);
            // Often frames that continue a neighbouring run, so that runs are joined.
            let first = [None, Some(1000 + start as u64), Some(1000 + start as u64), Some(5000)][random(4)];
            backing.set(&slots, first);
            for slot in slots.clone() {
                expected[slot] = first.map(|first| first + (slot - start) as u64);
            }
            check(&mut backing, &expected);
            assert_eq!(backing.shows(&slots, 1000 + start as u64), first == Some(1000 + start as u64));
            let showing: Vec<usize> = backing.showing(&slots).into_iter().flatten().collect();
            assert_eq!(showing, slots.clone().filter(|slot| expected[*slot].is_some()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn runs_that_lie_together_are_one() {
        let mut backing = Backing::default();
        for slot in [4, 0, 2, 1, 3] {
            backing.set(&(slot..slot + 1), Some(70 + slot as u64));
        }
        assert!(backing.shows(&(0..5), 70) && !backing.shows(&(0..6), 70));
        assert_eq!(backing.runs.len(), 1);
    }
}
