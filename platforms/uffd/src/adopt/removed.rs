//! Which pages the peer has given back.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use vmctx::PageOffset;

use crate::{error::RawErrno, kernel::zeroed::Zeroed};

/// Which pages of the object the peer has given back (`UFFD_EVENT_REMOVE`), since it was adopted: those that a balloon has
/// taken. Clones are the same.
///
/// A driver's hook looks here where such a page is to be zeros from then on. It need not look for the pages around a fault:
/// what was given back comes again by a fault of its own only.
///
/// One bit a page, of memory that is taken as it is used.
#[derive(Clone)]
pub struct Removed {
    shared: Arc<Shared>,
}

struct Shared {
    /// Pages of the object that a region shows, in order, and which bit is the first one's.
    spans: Vec<(Range<usize>, usize)>,
    bits: Zeroed<AtomicU64>,
}

impl Removed {
    /// Nothing of these pages yet, which do not overlap.
    pub(crate) fn new(spans: impl Iterator<Item = Range<usize>>) -> Result<Self, RawErrno> {
        let mut spans: Vec<_> = spans.map(|span| (span, 0)).collect();
        spans.sort_unstable_by_key(|(span, _)| span.start);
        let mut bits = 0_usize;
        for (span, first) in &mut spans {
            *first = bits;
            bits = bits.checked_add(span.len()).ok_or(RawErrno::NOMEM)?;
        }
        let bits = Zeroed::new(bits.div_ceil(64))?;
        Ok(Self { shared: Arc::new(Shared { spans, bits }) })
    }

    fn bit(&self, page: usize) -> Option<(&AtomicU64, u64)> {
        let spans = &self.shared.spans;
        let (span, first) = spans.get(spans.partition_point(|(span, _)| span.end <= page))?;
        let bit = span.contains(&page).then(|| first + (page - span.start))?;
        Some((self.shared.bits.get(bit / 64)?, 1 << (bit % 64)))
    }

    /// Whether the peer has given this page back, once at least. No page that it does not have.
    #[must_use]
    pub fn contains(&self, page: PageOffset) -> bool {
        self.bit(page.index()).is_some_and(|(word, bit)| word.load(Ordering::Acquire) & bit != 0)
    }

    pub(crate) fn contains_any(&self, pages: Range<usize>) -> bool {
        pages.into_iter().any(|page| self.contains(PageOffset::new(page)))
    }

    pub(crate) fn add(&self, pages: Range<usize>) {
        for (word, bit) in pages.filter_map(|page| self.bit(page)) {
            word.fetch_or(bit, Ordering::Release);
        }
    }
}

impl fmt::Debug for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.shared.bits.iter().map(|word| u64::from(word.load(Ordering::Relaxed).count_ones()));
        write!(f, "Removed({} pages)", words.sum::<u64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_there_and_nothing_beside_it() {
        let removed = Removed::new([1000..1100, 5..70].into_iter()).unwrap();
        removed.add(60..1003);
        let there: Vec<usize> = (0..2000).filter(|page| removed.contains(PageOffset::new(*page))).collect();
        let expected: Vec<usize> = (60..70).chain(1000..1003).collect();
        assert_eq!(there, expected);
        assert!(removed.contains_any(50..61) && !removed.contains_any(1003..3000));
        assert_eq!(format!("{removed:?}"), "Removed(13 pages)");
    }
}
