//! Open files of drivers, and the arguments of mmap.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use vmctx::{Errno, MmapFile, PageOffset, UserAddr, platform::VmFlags};
use vmctx_hosted::{Mappings, Prot};

use crate::{kernel::sys::PAGE_SIZE, uffd::Uffd};

/// An open file of a driver's. Clones are the same open file; its mappings keep it open (and the driver alive) after
/// the last clone is dropped.
#[derive(Clone)]
pub struct File {
    open: Arc<Open>,
}

struct Open {
    driver: Box<dyn MmapFile<Platform = Uffd>>,
    mappings: Mappings,
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
        let mappings = driver.mappings().map(|mappings| mappings.platform_object().clone()).unwrap_or_default();
        let linear = AtomicU64::new(guess.unwrap_or(u64::MAX));
        Self { open: Arc::new(Open { driver: Box::new(driver), mappings, linear }) }
    }

    pub(crate) fn driver(&self) -> &dyn MmapFile<Platform = Uffd> {
        &*self.open.driver
    }

    pub(crate) fn mappings(&self) -> &Mappings {
        &self.open.mappings
    }

    /// In how many places the object is mapped: also through other files that are of the same
    /// [`Mappings`](vmctx::Mappings).
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
        (linear != u64::MAX && pfn < 1 << 40).then_some(pfn)
    }
}

/// What to map: the arguments of `mmap`, for [`Session::mmap`](crate::Session::mmap). Nothing is checked before that
/// call.
#[derive(Clone, Copy, Debug)]
pub struct Map {
    pub(crate) bytes: usize,
    shared: bool,
    pub(crate) pgoff: PageOffset,
    prot: Prot,
    pub(crate) at: Option<UserAddr>,
}

impl Map {
    /// `MAP_SHARED`, this many bytes (rounded up to pages), from the object's start, readable and writable.
    #[must_use]
    pub const fn shared(bytes: usize) -> Self {
        Self { bytes, shared: true, pgoff: PageOffset::ZERO, prot: Prot::READ_WRITE, at: None }
    }

    /// `MAP_PRIVATE`: stores go to copies of the user's own. Otherwise as [`shared`](Self::shared).
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
    pub(crate) fn len(&self) -> Result<usize, Errno> {
        if self.bytes == 0 || self.at.is_some_and(|at| at.get() % PAGE_SIZE != 0) {
            return Err(Errno::EINVAL);
        }
        let len = self.bytes.checked_next_multiple_of(PAGE_SIZE).ok_or(Errno::ENOMEM)?;
        let end = self.pgoff.index().checked_add(len / PAGE_SIZE).ok_or(Errno::EOVERFLOW)?;
        if end > usize::MAX / PAGE_SIZE { Err(Errno::EOVERFLOW) } else { Ok(len) }
    }

    /// `vm_flags`
    pub(crate) fn flags(&self) -> VmFlags {
        let flags = self.prot.flags() | VmFlags::MAYREAD | VmFlags::MAYWRITE | VmFlags::MAYEXEC;
        if self.shared { flags | VmFlags::SHARED | VmFlags::MAYSHARE } else { flags }
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.shared
    }
}
