//! A mapping that is being made, while the driver's mmap hook runs.

use std::sync::Arc;

use parking_lot::RwLock;
use vmctx::Errno;

use super::{
    insert::Area,
    vma::{Handle, Space, Vma},
};

/// A mapping that is being made. Only a session makes one, in [`Session::mmap`](crate::Session::mmap).
pub struct NewVma {
    pub(crate) vma: Vma,
    space: Arc<RwLock<Space>>,
}

impl NewVma {
    pub(crate) fn new(vma: Vma, space: Arc<RwLock<Space>>) -> Self {
        Self { vma, space }
    }

    /// The mmap hook has succeeded, and now its open hook has, or nothing is left of the mapping.
    pub(crate) fn into_vma(mut self) -> Result<Vma, Errno> {
        if let Err(errno) = self.vma.begin() {
            self.abandon();
            return Err(errno);
        }
        Ok(self.vma)
    }

    /// Takes away what was inserted, then drops the state.
    pub(crate) fn abandon(&mut self) {
        self.vma.table().zap(&self.vma.range());
        self.vma.close();
    }

    pub(crate) fn handle(&self) -> Option<Handle> {
        Handle::new(&self.space, &self.vma)
    }

    /// Where the hook may insert.
    pub(crate) fn area(&self) -> Area<'_> {
        Area::new(&self.vma, self.vma.table(), self.vma.table().counters())
    }
}
