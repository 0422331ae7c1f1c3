//! Where an object is mapped.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use crate::Platform;

use super::{Sim, pagetable::PageTables, vma::Vma};

/// All the mappings of one object (`i_mmap`): the platform's [`Mappings`](crate::Platform::Mappings). Clones are of the
/// same object.
///
/// A file brings its own with [`MmapFile::mappings`](crate::MmapFile::mappings), or is an object of its own.
#[derive(Clone, Default)]
pub struct Mappings {
    /// The VMAs that map the object, by their numbers.
    places: Arc<Mutex<BTreeMap<u64, Place>>>,
}

/// Where one VMA maps which part of the object.
struct Place {
    tables: Arc<PageTables>,
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
        let at = |pgoff: usize| self.start + ((pgoff - self.pgoff) << Sim::PAGE_SHIFT);
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

    /// Takes pages of the object out of every mapping. Private copies stay if `even_cows` is not set.
    pub(super) fn unmap(&self, pages: &Range<usize>, even_cows: bool) {
        for place in self.lock().places.values() {
            place.tables.zap(place.addresses(pages), even_cows);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.lock().places.len()
    }
}

/// The lock on where an object is mapped (`i_mmap_rwsem`). Taken with the mmap lock held or without; the entries' locks
/// are taken below it, and nothing else.
pub(super) struct MappingsGuard<'a> {
    places: MutexGuard<'a, BTreeMap<u64, Place>>,
}

impl MappingsGuard<'_> {
    /// The VMA is mapped there now, and nowhere else.
    pub(super) fn link(&mut self, vma: &Vma, tables: &Arc<PageTables>) {
        let place = Place { tables: Arc::clone(tables), start: vma.start(), pgoff: vma.pgoff(), pages: vma.pages() };
        self.places.insert(vma.number(), place);
    }

    pub(super) fn unlink(&mut self, vma: &Vma) {
        self.places.remove(&vma.number());
    }
}
