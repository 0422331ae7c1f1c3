//! Which pages the peer has given back.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
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
/// One number a page, of memory that is taken as it is used: for what was given back.
#[derive(Clone)]
pub struct Removed {
    shared: Arc<Shared>,
}

struct Shared {
    /// Pages of the object that a region shows, in order, and which number is the first one's.
    spans: Vec<(Range<usize>, usize)>,
    /// The last change in which a page was given back, as they are counted from 1. 0 for what never was.
    changes: Zeroed<AtomicU64>,
    /// How many pages were given back.
    pages: AtomicUsize,
}

impl Removed {
    /// Nothing of these pages yet, which do not overlap.
    pub(crate) fn new(spans: impl Iterator<Item = Range<usize>>) -> Result<Self, RawErrno> {
        let mut spans: Vec<_> = spans.map(|span| (span, 0)).collect();
        spans.sort_unstable_by_key(|(span, _)| span.start);
        let mut pages = 0_usize;
        for (span, first) in &mut spans {
            *first = pages;
            pages = pages.checked_add(span.len()).ok_or(RawErrno::NOMEM)?;
        }
        let changes = Zeroed::new(pages)?;
        Ok(Self { shared: Arc::new(Shared { spans, changes, pages: AtomicUsize::new(0) }) })
    }

    fn change_of(&self, page: usize) -> Option<&AtomicU64> {
        let spans = &self.shared.spans;
        let (span, first) = spans.get(spans.partition_point(|(span, _)| span.end <= page))?;
        self.shared.changes.get(span.contains(&page).then(|| first + (page - span.start))?)
    }

    /// Whether the peer has given this page back, once at least. No page that it does not have.
    #[must_use]
    pub fn contains(&self, page: PageOffset) -> bool {
        self.contains_any(page.index()..page.index().saturating_add(1), 0)
    }

    /// Whether one of these pages was given back in a later change than this one.
    pub(crate) fn contains_any(&self, pages: Range<usize>, since: u64) -> bool {
        pages.filter_map(|page| self.change_of(page)).any(|change| change.load(Ordering::Acquire) > since)
    }

    /// These pages are given back, in this change.
    pub(crate) fn add(&self, pages: Range<usize>, change: u64) {
        let is_first = |last: &&AtomicU64| last.swap(change, Ordering::Release) == 0;
        let new = pages.filter_map(|page| self.change_of(page)).filter(is_first).count();
        self.shared.pages.fetch_add(new, Ordering::Relaxed);
    }
}

impl fmt::Debug for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Removed({} pages)", self.shared.pages.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_there_and_nothing_beside_it() {
        let removed = Removed::new([1000..1100, 5..70].into_iter()).unwrap();
        removed.add(60..1003, 1);
        let there: Vec<usize> = (0..2000).filter(|page| removed.contains(PageOffset::new(*page))).collect();
        let expected: Vec<usize> = (60..70).chain(1000..1003).collect();
        assert_eq!(there, expected);
        assert!(removed.contains_any(50..61, 0) && !removed.contains_any(1003..3000, 0));
        removed.add(65..67, 2);
        assert!(
            removed.contains_any(60..66, 1) && !removed.contains_any(60..65, 1) && !removed.contains_any(65..67, 2)
        );
        assert_eq!(format!("{removed:?}"), "Removed(13 pages)");
    }
}
