//! Open files, and what is asked of mmap.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use vmctx::{Errno, MmapFile, PageOffset, UserAddr, platform::VmFlags};

use super::{Mappings, Prot, Uffd, sys::PAGE_SIZE};

/// An open file of a driver's. Clones are the same open file; its mappings keep it open (and the driver alive) after
/// the last clone is dropped.
#[derive(Clone)]
pub struct File {
    open: Arc<Open>,
}

struct Open {
    driver: Box<dyn MmapFile<Platform = Uffd>>,
    mappings: Mappings,
    /// The frame that would lie at page offset 0, modulo 2^64: the next mapping is laid out for it.
    linear: AtomicU64,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").finish_non_exhaustive()
    }
}

impl File {
    /// A file whose object begins, as far as one can guess, with this frame.
    pub(super) fn new(driver: impl MmapFile<Platform = Uffd>, guess: Option<u64>) -> Self {
        let mappings = driver.mappings().map(|mappings| mappings.platform_object().clone()).unwrap_or_default();
        let linear = AtomicU64::new(guess.unwrap_or(u64::MAX));
        Self { open: Arc::new(Open { driver: Box::new(driver), mappings, linear }) }
    }

    pub(super) fn driver(&self) -> &dyn MmapFile<Platform = Uffd> {
        &*self.open.driver
    }

    pub(super) fn mappings(&self) -> &Mappings {
        &self.open.mappings
    }

    /// In how many places the object is mapped: also through other files that are of the same
    /// [`Mappings`](vmctx::Mappings).
    #[must_use]
    pub fn mapping_count(&self) -> usize {
        self.mappings().count()
    }

    /// This page of the object was that frame: others will lie beside it, as a rule.
    pub(super) fn learn(&self, pgoff: usize, pfn: u64) {
        self.open.linear.store(pfn.wrapping_sub(pgoff as u64), Ordering::Relaxed);
    }

    /// Which frame a page of the object may be.
    pub(super) fn guess(&self, pgoff: usize) -> Option<u64> {
        let linear = self.open.linear.load(Ordering::Relaxed);
        let pfn = linear.wrapping_add(pgoff as u64);
        (linear != u64::MAX && pfn < 1 << 40).then_some(pfn)
    }
}

/// What to map: the arguments of `mmap`, for [`Session::mmap`](super::Session::mmap). Nothing is checked before that
/// call.
#[derive(Clone, Copy, Debug)]
pub struct Map {
    pub(super) bytes: usize,
    shared: bool,
    pub(super) pgoff: PageOffset,
    prot: Prot,
    pub(super) at: Option<UserAddr>,
}

impl Map {
    /// `MAP_SHARED`, this many bytes (rounded up to pages), from the object's start, readable and writable.
    #[must_use]
    pub const fn shared(bytes: usize) -> Self {
        Self { bytes, shared: true, pgoff: PageOffset::ZERO, prot: Prot::READ_WRITE, at: None }
    }

    /// `MAP_PRIVATE`: stores go to copies of the user's own. Else as [`shared`](Self::shared).
    #[must_use]
    pub const fn private(bytes: usize) -> Self {
        Self { shared: false, ..Self::shared(bytes) }
    }

    /// From this page of the object on.
    #[must_use]
    pub const fn pgoff(self, pgoff: PageOffset) -> Self {
        Self { pgoff, ..self }
    }

    /// With these rights.
    #[must_use]
    pub const fn prot(self, prot: Prot) -> Self {
        Self { prot, ..self }
    }

    /// There and nowhere else, and only if nothing is there yet (`MAP_FIXED_NOREPLACE`).
    #[must_use]
    pub const fn at(self, address: UserAddr) -> Self {
        Self { at: Some(address), ..self }
    }

    /// The checks of `do_mmap`: how long it is, in whole pages.
    pub(super) fn len(&self) -> Result<usize, Errno> {
        if self.bytes == 0 || self.at.is_some_and(|at| at.get() % PAGE_SIZE != 0) {
            return Err(Errno::EINVAL);
        }
        let len = self.bytes.checked_next_multiple_of(PAGE_SIZE).ok_or(Errno::ENOMEM)?;
        let end = self.pgoff.index().checked_add(len / PAGE_SIZE).ok_or(Errno::EOVERFLOW)?;
        if end > usize::MAX / PAGE_SIZE { Err(Errno::EOVERFLOW) } else { Ok(len) }
    }

    /// `vm_flags`
    pub(super) fn flags(&self) -> VmFlags {
        let flags = self.prot.flags() | VmFlags::MAYREAD | VmFlags::MAYWRITE | VmFlags::MAYEXEC;
        if self.shared { flags | VmFlags::SHARED | VmFlags::MAYSHARE } else { flags }
    }

    pub(super) fn is_shared(&self) -> bool {
        self.shared
    }
}
