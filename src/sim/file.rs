//! Open files, and where their object is mapped.

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use crate::{MmapFile, PageCount, PageOffset, Platform};

use super::{Sim, pagetable::PageTables, vma::Vma};

/// What a file was opened for; decides what its mappings may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenMode {
    /// `O_RDONLY`: a shared mapping cannot be written.
    ReadOnly,
    /// `O_WRONLY`: nothing can be mapped, EACCES.
    WriteOnly,
    /// `O_RDWR`
    #[default]
    ReadWrite,
}

impl OpenMode {
    pub(super) fn reads(self) -> bool {
        self != Self::WriteOnly
    }

    pub(super) fn writes(self) -> bool {
        self != Self::ReadOnly
    }
}

/// An open file of a driver's. Clones are the same open file; its mappings keep it open (and the driver alive) after
/// the last clone is dropped.
#[derive(Clone)]
pub struct File {
    open: Arc<Open>,
}

struct Open {
    driver: Box<dyn MmapFile<Platform = Sim>>,
    mode: OpenMode,
    /// `i_mmap`: the VMAs that map the object, by their numbers.
    mappings: Mutex<BTreeMap<u64, Place>>,
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

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("mode", &self.mode()).finish_non_exhaustive()
    }
}

impl File {
    pub(super) fn new(driver: impl MmapFile<Platform = Sim>, mode: OpenMode) -> Self {
        Self { open: Arc::new(Open { driver: Box::new(driver), mode, mappings: Mutex::new(BTreeMap::new()) }) }
    }

    pub(super) fn driver(&self) -> &dyn MmapFile<Platform = Sim> {
        &*self.open.driver
    }

    /// What it was opened for.
    #[must_use]
    pub fn mode(&self) -> OpenMode {
        self.open.mode
    }

    /// Takes `count` pages of the object, from `first` on, out of every mapping of it in every process
    /// (`unmap_mapping_range`); the next touch faults. Zero pages mean all to the end, as on Linux.
    ///
    /// Private copies are the users' own: they stay unless `even_cows` is set.
    ///
    /// When it returns no user is in the middle of an access to them any more. It takes no mmap lock, so a driver may
    /// call it with a lock held that its fault hook takes, and from inside a hook.
    pub fn unmap_mapping_range(&self, first: PageOffset, count: PageCount, even_cows: bool) {
        let end = if count == PageCount::ZERO { usize::MAX } else { first.index().saturating_add(count.get()) };
        let wanted = first.index()..end;
        for place in self.mappings().places.values() {
            place.tables.zap(place.addresses(&wanted), even_cows);
        }
    }

    /// In how many places, of all processes, the object is mapped.
    #[must_use]
    pub fn mapping_count(&self) -> usize {
        self.mappings().places.len()
    }

    pub(super) fn mappings(&self) -> MappingsGuard<'_> {
        MappingsGuard { places: self.open.mappings.lock() }
    }
}
