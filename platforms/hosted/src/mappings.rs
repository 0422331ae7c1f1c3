//! Where an object is mapped.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use super::{Hosted, PageTable, vma::Vma};

/// All the mappings of one object (`i_mmap`), in every process or session: the platform's
/// [`Mappings`](vmctx::Platform::Mappings). Clones are of the same object.
///
/// A file brings its own with [`MmapFile::mappings`](vmctx::MmapFile::mappings), or is an object of its own.
#[derive(Clone, Default)]
pub struct Mappings {
    /// The VMAs that map the object, by their numbers.
    places: Arc<Mutex<BTreeMap<u64, Place>>>,
}

/// Where one VMA maps which part of the object.
struct Place {
    table: Arc<dyn PageTable>,
    page_shift: u32,
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
        let at = |pgoff: usize| self.start + ((pgoff - self.pgoff) << self.page_shift);
        at(first)..at(end)
    }
}

impl Mappings {
    pub fn lock(&self) -> MappingsGuard<'_> {
        MappingsGuard { places: self.places.lock() }
    }

    /// Whether these are of the same object.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.places, &other.places)
    }

    /// Takes pages of the object out of every mapping. Private copies stay if `even_cows` is not set.
    pub fn unmap(&self, pages: &Range<usize>, even_cows: bool) {
        for place in self.lock().places.values() {
            place.table.zap(&place.addresses(pages), even_cows);
        }
    }

    pub fn count(&self) -> usize {
        self.lock().places.len()
    }
}

/// The lock on where an object is mapped (`i_mmap_rwsem`). Taken with the mmap lock held or without; the entries' locks
/// are taken below it, and nothing else.
pub struct MappingsGuard<'a> {
    places: MutexGuard<'a, BTreeMap<u64, Place>>,
}

impl MappingsGuard<'_> {
    /// The VMA is mapped there now, and nowhere else.
    pub fn link<P: Hosted>(&mut self, vma: &Vma<P>) {
        let place = Place {
            table: Arc::<P::Table>::clone(vma.table()),
            page_shift: P::PAGE_SHIFT,
            start: vma.start(),
            pgoff: vma.pgoff(),
            pages: vma.pages(),
        };
        self.places.insert(vma.number(), place);
    }

    pub fn unlink<P: Hosted>(&mut self, vma: &Vma<P>) {
        self.places.remove(&vma.number());
    }
}
