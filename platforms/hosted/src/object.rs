//! Where an object is mapped.

use std::{
    ops::Range,
    panic::Location,
    ptr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use crate::{
    atomic::might_sleep,
    report::{MightSleep, Report, report},
    tree::Tree,
    waiting::wait,
};

/// What pages are entered into, as whoever takes them away sees it: the page tables of an address space, or a table for
/// each mapping.
pub trait Unmapping: Send + Sync + 'static {
    /// Takes the entries of a range of addresses away (`zap_page_range`), and puts their references. The range is of
    /// whole pages, and may be empty. Private copies stay if `even_cows` is not set. When it returns, nobody is in the
    /// middle of an access there.
    fn zap(&self, addresses: &Range<usize>, even_cows: bool);

    /// Takes the right to write from the entries of a range, so that the next store to each faults (`page_mkclean`).
    fn write_protect(&self, addresses: &Range<usize>);

    /// A mapping is about to be cut at this address, which is a page's. Whatever maps both sides at once has to go.
    fn split(&self, _address: usize) {}
}

/// All the mappings of one object (`i_mmap`), in every process or session: the platform's
/// [`Object`](vmctx::Platform::Object). Clones are of the same object.
///
/// A file brings its own with [`MmapFile::object`](vmctx::MmapFile::object), or is an object of its own.
#[derive(Clone, Default)]
pub struct Object {
    shared: Arc<Shared>,
}

struct Shared {
    number: u64,
    places: Mutex<Places>,
}

impl Default for Shared {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { number: NEXT.fetch_add(1, Ordering::Relaxed), places: Mutex::default() }
    }
}

#[derive(Default)]
struct Places {
    /// The VMAs that map the object, by the page of it that shows first and their numbers; each reaches to the page
    /// behind the last.
    mapped: Tree<(usize, u64), Place>,
    /// What mmap hooks have inserted that have not returned, by the numbers of their VMAs. Seldom more than one, which
    /// lies in here.
    inserted: SmallVec<[(u64, Arc<Inserted>); 1]>,
}

/// Pages of the object that a hook has inserted one behind the other, from one place in the program.
struct Inserted {
    first: usize,
    /// The page behind the last. Set by the hook's thread alone.
    end: AtomicUsize,
    inserted: &'static Location<'static>,
}

/// Where one VMA maps which part of an object.
pub(crate) struct Place {
    /// What the VMA's pages are entered into.
    pub(crate) table: Arc<dyn Unmapping>,
    /// The base-2 logarithm of the page size.
    pub(crate) page_shift: u32,
    /// Its first address.
    pub(crate) start: usize,
    /// Which page of the object shows there.
    pub(crate) pgoff: usize,
    /// How many pages show.
    pub(crate) pages: usize,
}

impl Place {
    /// The addresses at which these pages of the object show; an empty range if none do.
    pub(crate) fn addresses(&self, wanted: &Range<usize>) -> Range<usize> {
        let first = wanted.start.max(self.pgoff);
        let end = wanted.end.min(self.pgoff + self.pages);
        if first >= end {
            return self.start..self.start;
        }
        let at = |pgoff: usize| self.start + ((pgoff - self.pgoff) << self.page_shift);
        at(first)..at(end)
    }
}

impl Object {
    /// Takes the lock on where the object is mapped. Not for others: whoever could take a VMA off the list would hide
    /// it from those that unmap the object.
    pub(crate) fn lock(&self) -> MappingsGuard<'_> {
        MappingsGuard { places: self.shared.places.try_lock().unwrap_or_else(|| wait(|| self.shared.places.lock())) }
    }

    /// A number that no other object has, nor had.
    pub(crate) fn number(&self) -> u64 {
        self.shared.number
    }

    /// Whether these are of the same object.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.number() == other.number()
    }

    /// Takes pages of the object, by their numbers in it, out of every mapping. Private copies stay if `even_cows` is
    /// not set. When it returns, nobody is in the middle of an access to them.
    #[track_caller]
    pub fn unmap(&self, pages: &Range<usize>, even_cows: bool) {
        might_sleep(MightSleep::Unmapping);
        let unmapped = Location::caller();
        let places = self.lock().places;
        places.mapped.find(&((0, 0)..(pages.end, 0)), pages.start, |_, place| {
            place.table.zap(&place.addresses(pages), even_cows);
            false
        });
        for (_, there) in &places.inserted {
            if there.first < pages.end && pages.start < there.end.load(Ordering::Acquire) {
                report(Report::UnmapMissesMmap { inserted: there.inserted, unmapped });
            }
        }
    }

    /// In how many places the object is mapped.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().places.mapped.len()
    }
}

/// The lock on where an object is mapped (`i_mmap_rwsem`). Taken with the mmap lock held or without; the entries' locks
/// are taken below it, and nothing else.
pub(crate) struct MappingsGuard<'a> {
    places: MutexGuard<'a, Places>,
}

impl MappingsGuard<'_> {
    /// The VMA of this number is mapped there now, and nowhere else. It has always shown the object from this page on.
    pub(crate) fn link(&mut self, number: u64, place: Place) {
        self.places.mapped.insert((place.pgoff, number), place.pgoff + place.pages, place);
    }

    /// The VMA of this number, which showed the object from this page on, is mapped nowhere any more.
    pub(crate) fn unlink(&mut self, pgoff: usize, number: u64) {
        self.places.mapped.remove(&(pgoff, number));
    }
}

/// What the mmap hook of a VMA has inserted of an object, until the VMA is on the object's list, or is given up: this is
/// dropped then. Meanwhile whoever unmaps the object does not see these entries.
pub(crate) struct Insertions {
    object: Object,
    number: u64,
    last: Option<Last>,
}

/// What is being added to.
struct Last {
    shared: Arc<Inserted>,
    end: usize,
    inserted: &'static Location<'static>,
}

impl Insertions {
    pub(crate) fn new(object: &Object, number: u64) -> Self {
        Self { object: object.clone(), number, last: None }
    }

    /// These pages have been inserted.
    #[track_caller]
    #[inline]
    pub(crate) fn note(&mut self, pages: Range<usize>) {
        let inserted = Location::caller();
        match &mut self.last {
            // Most go on where the one before has ended, and then nobody has to wait.
            Some(last) if last.end == pages.start && ptr::eq(last.inserted, inserted) => {
                last.end = pages.end;
                last.shared.end.store(pages.end, Ordering::Release);
            }
            _ => self.begin(pages, inserted),
        }
    }

    #[cold]
    fn begin(&mut self, pages: Range<usize>, inserted: &'static Location<'static>) {
        let Range { start: first, end } = pages;
        let shared = Arc::new(Inserted { first, end: AtomicUsize::new(end), inserted });
        self.object.lock().places.inserted.push((self.number, Arc::clone(&shared)));
        self.last = Some(Last { shared, end, inserted });
    }
}

impl Drop for Insertions {
    fn drop(&mut self) {
        self.object.lock().places.inserted.retain(|(number, _)| *number != self.number);
    }
}
