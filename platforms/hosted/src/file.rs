//! Open files.

use std::{fmt, sync::Arc};

use vmctx::{MmapFile, PageCount, PageOffset, Platform};

use crate::object::Object;

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
    pub(crate) fn reads(self) -> bool {
        self != Self::WriteOnly
    }

    pub(crate) fn writes(self) -> bool {
        self != Self::ReadOnly
    }
}

/// An open file of a driver's. Clones are the same open file; its mappings keep it open (and the driver alive) after
/// the last clone is dropped.
pub struct File<P: Platform> {
    open: Arc<Open<P>>,
}

struct Open<P: Platform> {
    driver: Box<dyn MmapFile<Platform = P>>,
    mode: OpenMode,
    mappings: Object,
}

impl<P: Platform> Clone for File<P> {
    fn clone(&self) -> Self {
        Self { open: Arc::clone(&self.open) }
    }
}

impl<P: Platform> fmt::Debug for File<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("mode", &self.open.mode).finish_non_exhaustive()
    }
}

impl<P: Platform<Object = Object>> File<P> {
    /// Opens a file of a driver's.
    pub fn new(driver: impl MmapFile<Platform = P>, mode: OpenMode) -> Self {
        let mappings = driver.object().map(|mappings| mappings.platform_object().clone()).unwrap_or_default();
        Self { open: Arc::new(Open { driver: Box::new(driver), mode, mappings }) }
    }
}

impl<P: Platform> File<P> {
    pub(crate) fn driver(&self) -> &dyn MmapFile<Platform = P> {
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
    #[track_caller]
    pub fn unmap_mapping_range(&self, first: PageOffset, count: PageCount, even_cows: bool) {
        let end = if count == PageCount::ZERO { usize::MAX } else { first.index().saturating_add(count.get()) };
        self.mappings().unmap(&(first.index()..end), even_cows);
    }

    /// In how many places, of all processes, the object is mapped: also through other files that are of the same
    /// [`SharedObject`](vmctx::SharedObject).
    #[must_use]
    pub fn mapping_count(&self) -> usize {
        self.mappings().count()
    }

    /// The list of where its object is mapped.
    #[must_use]
    pub fn mappings(&self) -> &Object {
        &self.open.mappings
    }
}
