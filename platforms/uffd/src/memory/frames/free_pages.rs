//! Which frames of RAM are free, and which of those have memory.

use std::{
    collections::{BTreeMap, HashSet},
    mem,
    ops::Range,
};

use vmctx::Errno;

use crate::error::{RawErrno, errno};

/// How many pages are taken from the kernel at a time.
const CHUNK: u64 = 64;

/// The frames of RAM that nobody uses, and the rows that are kept for objects.
pub(crate) struct FreePages {
    /// Given back, with their memory, last in first out.
    returned: Vec<u64>,
    /// Without memory, before `untouched`.
    spare: Vec<Range<u64>>,
    /// From here on nothing was ever used.
    untouched: u64,
    /// From here on the object has holes.
    populated: u64,
    /// One behind the last.
    end: u64,
    /// By their first frames.
    rows: BTreeMap<u64, Row>,
    in_use: usize,
}

/// Frames that are kept for one object, in the order of its offsets. They have memory while they are used.
struct Row {
    end: u64,
    used: HashSet<u64>,
}

/// A frame that was taken, and has memory.
pub(crate) enum Taken {
    /// It has zeros.
    Fresh(u64),
    /// It has what its last user has left.
    Used(u64),
}

impl FreePages {
    pub(crate) fn new(frames: Range<u64>) -> Self {
        Self {
            returned: Vec::new(),
            spare: Vec::new(),
            untouched: frames.start,
            populated: frames.start,
            end: frames.end,
            rows: BTreeMap::new(),
            in_use: 0,
        }
    }

    pub(crate) fn in_use(&self) -> usize {
        self.in_use
    }

    /// Whether a frame that is free has memory.
    pub(crate) fn has_memory(&self, pfn: u64) -> bool {
        pfn < self.populated && self.row_of(pfn).is_none() && !self.spare.iter().any(|spare| spare.contains(&pfn))
    }

    fn row_of(&self, pfn: u64) -> Option<u64> {
        let (start, row) = self.rows.range(..=pfn).next_back()?;
        (pfn < row.end).then_some(*start)
    }

    /// Takes a frame, with memory by `populate` if it has none.
    pub(crate) fn take(&mut self, populate: impl FnOnce(Range<u64>) -> Result<(), RawErrno>) -> Result<Taken, Errno> {
        let taken = if let Some(pfn) = self.returned.pop() {
            Taken::Used(pfn)
        } else if let Some(spare) = self.spare.last_mut() {
            let part = spare.start..spare.end.min(spare.start + CHUNK);
            populate(part.clone()).map_err(|_| Errno::ENOMEM)?;
            spare.start = part.end;
            if spare.is_empty() {
                self.spare.pop();
            }
            self.returned.extend((part.start + 1..part.end).rev());
            Taken::Fresh(part.start)
        } else if self.untouched < self.end {
            let pfn = self.untouched;
            if pfn >= self.populated {
                let end = (pfn + CHUNK).min(self.end);
                populate(pfn..end).map_err(|_| Errno::ENOMEM)?;
                self.populated = end;
            }
            self.untouched += 1;
            Taken::Fresh(pfn)
        } else {
            return Err(Errno::ENOMEM);
        };
        self.in_use += 1;
        Ok(taken)
    }

    /// Nobody uses a frame any more. Whether its memory is to go, after which [`forget`](Self::forget) is to be called.
    #[must_use]
    pub(crate) fn put(&mut self, pfn: u64) -> bool {
        self.in_use -= 1;
        let is_kept = self.row_of(pfn).is_some();
        if !is_kept {
            self.returned.push(pfn);
        }
        is_kept
    }

    /// A frame of a row has no memory any more, or if `has_memory` it has zeros.
    pub(crate) fn forget(&mut self, pfn: u64, has_memory: bool) {
        match self.row_of(pfn).and_then(|row| self.rows.get_mut(&row)) {
            Some(row) => drop(row.used.remove(&pfn)),
            // Its row was given up meanwhile.
            None if has_memory => self.returned.push(pfn),
            None => self.spare.push(pfn..pfn + 1),
        }
    }

    /// Keeps so many frames in a row. Gives back the first.
    pub(crate) fn keep_row(&mut self, count: u64) -> Option<u64> {
        let fits = |range: &Range<u64>| range.end - range.start >= count;
        let start = match self.populated.checked_add(count).filter(|end| *end <= self.end) {
            Some(end) => {
                self.returned.extend((self.untouched..self.populated).rev());
                let start = mem::replace(&mut self.populated, end);
                self.untouched = end;
                start
            }
            None => {
                let spare = self.spare.iter_mut().find(|spare| fits(spare))?;
                let start = spare.start;
                spare.start += count;
                start
            }
        };
        self.spare.retain(|spare| !spare.is_empty());
        self.rows.insert(start, Row { end: start + count, used: HashSet::new() });
        Some(start)
    }

    /// Takes a frame of a row. It has no memory yet. EBUSY if it is used.
    pub(crate) fn take_of_row(&mut self, pfn: u64) -> Result<(), Errno> {
        let row = self.row_of(pfn).and_then(|row| self.rows.get_mut(&row)).ok_or(Errno::ENXIO)?;
        if !row.used.insert(pfn) {
            return Err(Errno::EBUSY);
        }
        self.in_use += 1;
        Ok(())
    }

    /// There is no memory for a frame of a row.
    pub(crate) fn untake(&mut self, pfn: u64, raw: RawErrno) -> Errno {
        self.in_use -= 1;
        self.forget(pfn, false);
        if raw == RawErrno::NOSPC { Errno::ENOMEM } else { errno(raw) }
    }

    /// Gives a row up. What is used of it is a page like any other from now on.
    pub(crate) fn give_up_row(&mut self, start: u64) {
        let Some(Row { end, used }) = self.rows.remove(&start) else { return };
        let mut used: Vec<u64> = used.into_iter().collect();
        used.sort_unstable();
        let mut at = start;
        for pfn in used.into_iter().chain([end]) {
            if at < pfn {
                self.spare.push(at..pfn);
            }
            at = pfn + 1;
        }
    }

    /// The frames that are free and have memory, as ranges. They are nobody's until [`add_spare`](Self::add_spare) or
    /// [`put_back`](Self::put_back).
    pub(crate) fn take_returned(&mut self) -> Vec<Range<u64>> {
        let mut frames = mem::take(&mut self.returned);
        frames.extend(self.untouched..self.populated);
        self.untouched = self.populated;
        frames.sort_unstable();
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for pfn in frames {
            match ranges.last_mut() {
                Some(last) if last.end == pfn => last.end += 1,
                _ => ranges.push(pfn..pfn + 1),
            }
        }
        ranges
    }

    /// These frames have no memory any more.
    pub(crate) fn add_spare(&mut self, frames: Range<u64>) {
        self.spare.push(frames);
    }

    /// These frames are free, and still have memory.
    pub(crate) fn put_back(&mut self, frames: Range<u64>) {
        self.returned.extend(frames.rev());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(free: &mut FreePages) -> Option<u64> {
        match free.take(|_| Ok(())) {
            Ok(Taken::Fresh(pfn) | Taken::Used(pfn)) => Some(pfn),
            Err(_) => None,
        }
    }

    #[test]
    fn no_frame_is_had_twice_and_none_is_lost() {
        let mut free = FreePages::new(100..400);
        let (mut held, mut rows) = (Vec::new(), Vec::new());
        let mut seed = 1_u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        for _ in 0..20_000 {
            match random(6) {
                0 | 1 => held.extend(take(&mut free)),
                2 if !held.is_empty() => {
                    let pfn = held.swap_remove(random(held.len()));
                    if free.put(pfn) {
                        free.forget(pfn, random(2) == 0);
                    }
                }
                3 if rows.len() < 3 => rows.extend(free.keep_row(20).map(|start| start..start + 20)),
                4 if !rows.is_empty() => {
                    let row: &Range<u64> = &rows[random(rows.len())];
                    let pfn = row.start + random(20) as u64;
                    match free.take_of_row(pfn) {
                        Ok(()) => held.push(pfn),
                        Err(errno) => assert!(errno == Errno::EBUSY && held.contains(&pfn)),
                    }
                }
                5 if random(10) == 0 && !rows.is_empty() => {
                    let row = rows.swap_remove(random(rows.len()));
                    free.give_up_row(row.start);
                }
                _ if random(20) == 0 => {
                    for part in free.take_returned() {
                        if random(2) == 0 { free.add_spare(part) } else { free.put_back(part) }
                    }
                }
                _ => {}
            }
            assert!(held.iter().all(|pfn| (100..400).contains(pfn)));
            assert_eq!(held.iter().collect::<HashSet<_>>().len(), held.len(), "a frame was had twice");
            assert_eq!(free.in_use(), held.len());
        }
        rows.drain(..).for_each(|row| free.give_up_row(row.start));
        held.drain(..).for_each(|pfn| assert!(!free.put(pfn)));
        assert_eq!(std::iter::from_fn(|| take(&mut free)).collect::<HashSet<_>>().len(), 300, "frames were lost");
    }
}
