//! Open files of drivers, and what is checked of the arguments of mmap.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use vmctx::{Errno, MmapFile, Platform};
use vmctx_hosted::{Map, Object};

use crate::{kernel::sys::PAGE_SIZE, uffd::Uffd};

/// An open file of a driver's. Clones are the same open file; its mappings keep it open (and the driver alive) after
/// the last clone is dropped.
#[derive(Clone)]
pub struct File {
    open: Arc<Open>,
}

struct Open {
    driver: Box<dyn MmapFile<Platform = Uffd>>,
    mappings: Object,
    /// The frame at page offset 0, modulo 2^64, if all pages of the object lay in the order of their offsets: the next
    /// mapping is laid out for that. `u64::MAX` if nothing is known.
    linear: AtomicU64,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").finish_non_exhaustive()
    }
}

impl File {
    /// A file whose object begins with the frame `guess`, as far as one can tell.
    pub(crate) fn new(driver: impl MmapFile<Platform = Uffd>, guess: Option<u64>) -> Self {
        let mappings = driver.object().map(|mappings| mappings.platform_object().clone()).unwrap_or_default();
        let linear = AtomicU64::new(guess.unwrap_or(u64::MAX));
        Self { open: Arc::new(Open { driver: Box::new(driver), mappings, linear }) }
    }

    pub(crate) fn driver(&self) -> &dyn MmapFile<Platform = Uffd> {
        &*self.open.driver
    }

    pub(crate) fn mappings(&self) -> &Object {
        &self.open.mappings
    }

    /// In how many places the object is mapped: also through other files that are of the same
    /// [`SharedObject`](vmctx::SharedObject).
    #[must_use]
    pub fn mapping_count(&self) -> usize {
        self.mappings().count()
    }

    /// This page of the object was that frame. The next mapping is laid out as if the others lay beside it.
    pub(crate) fn learn(&self, pgoff: usize, pfn: u64) {
        self.open.linear.store(pfn.wrapping_sub(pgoff as u64), Ordering::Relaxed);
    }

    /// The frame that a page of the object is likely to be.
    pub(crate) fn guess(&self, pgoff: usize) -> Option<u64> {
        let linear = self.open.linear.load(Ordering::Relaxed);
        let pfn = linear.wrapping_add(pgoff as u64);
        (linear != u64::MAX).then_some(pfn)
    }
}

/// The checks of `do_mmap`: which page of the object comes first, and how long the mapping is, in whole pages.
pub(crate) fn checked(map: &Map) -> Result<(usize, usize), Errno> {
    let first = map.first_page(Uffd::PAGE_SHIFT)?;
    if map.bytes() == 0 || map.address().is_some_and(|at| at.get() % PAGE_SIZE != 0) {
        return Err(Errno::EINVAL);
    }
    let len = map.bytes().checked_next_multiple_of(PAGE_SIZE).ok_or(Errno::ENOMEM)?;
    let end = first.checked_add(len / PAGE_SIZE).ok_or(Errno::EOVERFLOW)?;
    if end > usize::MAX / PAGE_SIZE { Err(Errno::EOVERFLOW) } else { Ok((first, len)) }
}
