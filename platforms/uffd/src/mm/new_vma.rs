//! A mapping that is being made, while the driver's mmap hook runs.

use std::sync::Arc;

use super::{
    insert::Area,
    vma::{Handle, MmapLock, Vma},
};

/// A mapping that is being made. Only a session makes one, in [`Session::mmap`](crate::Session::mmap).
pub struct NewVma {
    pub(crate) vma: Vma,
    space: Arc<MmapLock>,
}

impl NewVma {
    pub(crate) fn new(vma: Vma, space: Arc<MmapLock>) -> Self {
        Self { vma, space }
    }

    pub(crate) fn handle(&self) -> Option<Handle> {
        Handle::new(&self.space, &self.vma)
    }

    /// Where the hook may insert.
    pub(crate) fn area(&self) -> Area<'_> {
        Area::new(&self.vma, self.vma.table(), self.vma.table().counters())
    }
}
