//! Where an object is mapped.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use super::{sys::PAGE_SHIFT, table::Table, vma::Vma};

/// All the mappings of one object (`i_mmap`), in every session: the platform's
/// [`Mappings`](crate::Platform::Mappings). Clones are of the same object.
///
/// A file brings its own with [`MmapFile::mappings`](crate::MmapFile::mappings), or is an object of its own.
#[derive(Clone, Default)]
pub struct Mappings {
    /// The VMAs that map the object, by their numbers.
    places: Arc<Mutex<BTreeMap<u64, Place>>>,
}

/// Where one VMA maps which part of the object.
struct Place {
    table: Arc<Table>,
    start: usize,
    pgoff: usize,
    pages: usize,
}

impl Place {
    /// The addresses at which pages of the object show.
    fn addresses(&self, wanted: &Range<usize>) -> Range<usize> {
        let first = wanted.start.max(self.pgoff);
        let end = wanted.end.min(self.pgoff + self.pages);
        if first >= end {
            return self.start..self.start;
        }
        let at = |pgoff: usize| self.start + ((pgoff - self.pgoff) << PAGE_SHIFT);
        at(first)..at(end)
    }
}

impl Mappings {
    pub(super) fn lock(&self) -> MappingsGuard<'_> {
        MappingsGuard { places: self.places.lock() }
    }

    /// Whether these are of the same object.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.places, &other.places)
    }

    /// Takes pages of the object out of every mapping, but not private copies.
    pub(super) fn unmap(&self, pages: &Range<usize>) {
        for place in self.lock().places.values() {
            place.table.zap_but_copies(&place.addresses(pages));
        }
    }

    pub(super) fn count(&self) -> usize {
        self.lock().places.len()
    }
}

/// The lock on where an object is mapped (`i_mmap_rwsem`). Taken with the mmap lock held or without; the locks of tables
/// are taken below it, and nothing else.
pub(super) struct MappingsGuard<'a> {
    places: MutexGuard<'a, BTreeMap<u64, Place>>,
}

impl MappingsGuard<'_> {
    /// The VMA is mapped there now, and nowhere else.
    pub(super) fn link(&mut self, vma: &Vma) {
        let place =
            Place { table: Arc::clone(vma.table()), start: vma.start(), pgoff: vma.pgoff(), pages: vma.pages() };
        self.places.insert(vma.number(), place);
    }

    pub(super) fn unlink(&mut self, vma: &Vma) {
        self.places.remove(&vma.number());
    }
}
