//! Where a peer has its regions now: it may unmap and move them.
//!
//! Drivers are told none of it. They see each region where it was when it was adopted: its first addresses.

use std::ops::Range;

use super::regions::Place as Region;

/// A piece of a region, where it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    now: Range<usize>,
    /// The first address of what is now at its start.
    first: usize,
}

impl Piece {
    fn first_range(&self) -> Range<usize> {
        self.first..self.first + self.now.len()
    }

    /// The part of it that is at these addresses now.
    fn part(&self, now: &Range<usize>) -> Option<Self> {
        let part = self.now.start.max(now.start)..self.now.end.min(now.end);
        let first = self.first + part.start.saturating_sub(self.now.start);
        (part.start < part.end).then_some(Self { now: part, first })
    }
}

/// The pieces of all regions, by where they are now.
pub(crate) struct Places {
    pieces: Vec<Piece>,
}

impl Places {
    pub(crate) fn new(regions: &[Region]) -> Self {
        let piece = |region: &Region| Piece { now: region.addresses.clone(), first: region.addresses.start };
        let mut pieces: Vec<_> = regions.iter().map(piece).collect();
        pieces.sort_unstable_by_key(|piece| piece.now.start);
        Self { pieces }
    }

    /// The first address of what is at this one now.
    #[inline]
    pub(crate) fn first_of(&self, now: usize) -> Option<usize> {
        let piece = self.pieces.get(self.pieces.partition_point(|piece| piece.now.end <= now))?;
        (piece.now.start <= now).then(|| piece.first + (now - piece.now.start))
    }

    /// Where the first of these first addresses is now that is anywhere, with what is beside it: now, and at first.
    #[inline]
    pub(crate) fn next(&self, first: &Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
        let parts = self.pieces.iter().filter_map(|piece| {
            let all = piece.first_range();
            let part = all.start.max(first.start)..all.end.min(first.end);
            let now = piece.now.start + part.start.saturating_sub(all.start);
            (part.start < part.end).then(|| (now..now + part.len(), part))
        });
        parts.min_by_key(|(_, part)| part.start)
    }

    /// All that is anywhere now.
    pub(crate) fn all(&self) -> impl Iterator<Item = Range<usize>> {
        self.pieces.iter().map(|piece| piece.now.clone())
    }

    /// The first addresses of what is at these addresses now.
    pub(crate) fn first_ranges(&self, now: &Range<usize>) -> Vec<Range<usize>> {
        self.pieces.iter().filter_map(|piece| piece.part(now)).map(|piece| piece.first_range()).collect()
    }

    /// Nothing is at these addresses any more.
    pub(crate) fn unmap(&mut self, range: &Range<usize>) {
        self.take(range);
    }

    /// What was at these addresses is at others now, in the place of what was there.
    pub(crate) fn remap(&mut self, from: &Range<usize>, to: usize) {
        let taken = self.take(from);
        self.take(&(to..to.saturating_add(from.len())));
        self.pieces.extend(taken.into_iter().map(|piece| {
            let start = to + (piece.now.start - from.start);
            Piece { now: start..start + piece.now.len(), first: piece.first }
        }));
        self.sort();
    }

    fn take(&mut self, range: &Range<usize>) -> Vec<Piece> {
        let (mut kept, mut taken) = (Vec::with_capacity(self.pieces.len() + 1), Vec::new());
        for piece in self.pieces.drain(..) {
            kept.extend(piece.part(&(0..range.start)));
            taken.extend(piece.part(range));
            kept.extend(piece.part(&(range.end..usize::MAX)));
        }
        self.pieces = kept;
        self.sort();
        taken
    }

    fn sort(&mut self) {
        self.pieces.sort_unstable_by_key(|piece| piece.now.start);
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "these are lists of ranges")]
mod tests {
    use super::*;

    fn places() -> Places {
        Places::new(&[Region { addresses: 100..200, pgoff: 0 }, Region { addresses: 300..400, pgoff: 0 }])
    }

    #[test]
    fn at_first_everything_is_where_it_was() {
        let places = places();
        let found = [99, 100, 199, 200, 300, 400].map(|at| places.first_of(at));
        assert_eq!(found, [None, Some(100), Some(199), None, Some(300), None]);
        assert_eq!(places.next(&(150..350)), Some((150..200, 150..200)));
        assert_eq!(places.next(&(200..350)), Some((300..350, 300..350)));
    }

    #[test]
    fn what_has_moved_is_found_by_both_addresses() {
        let mut places = places();
        places.remap(&(150..180), 1000);
        assert_eq!(
            [149, 150, 179, 180, 1000, 1029, 1030].map(|at| places.first_of(at)),
            [Some(149), None, None, Some(180), Some(150), Some(179), None]
        );
        assert_eq!(places.next(&(145..155)), Some((145..150, 145..150)));
        assert_eq!(places.next(&(150..155)), Some((1000..1005, 150..155)));
        // Onto what is there, and what comes from elsewhere goes.
        places.remap(&(1010..1030), 310);
        assert_eq!(places.first_of(310), Some(160));
        assert_eq!(places.first_of(329), Some(179));
        assert_eq!(places.first_of(330), Some(330));
        assert_eq!(places.next(&(310..330)), None, "nothing of it is left");
        assert_eq!(places.first_ranges(&(305..315)), [305..310, 160..165]);
    }

    #[test]
    fn what_is_unmapped_is_nowhere() {
        let mut places = places();
        places.unmap(&(0..350));
        assert_eq!(places.all().collect::<Vec<_>>(), [350..400]);
        assert_eq!(places.first_of(100), None);
        assert_eq!(places.next(&(0..1000)), Some((350..400, 350..400)));
    }
}
