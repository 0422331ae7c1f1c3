//! The user's side of drivers' mappings: what is asked of `mmap`, and what a test does with any platform of this kind.

use vmctx::{
    Errno, PageOffset, Platform, UnlockedCtx, UserAddr,
    platform::{Cache, VmFlags},
};

use crate::prot::Prot;

/// What to map: the arguments of `mmap`. Nothing is checked before that call.
#[derive(Clone, Copy, Debug)]
pub struct Map {
    bytes: usize,
    shared: bool,
    offset: Offset,
    prot: Prot,
    at: Option<UserAddr>,
}

#[derive(Clone, Copy, Debug)]
enum Offset {
    Bytes(u64),
    Pages(PageOffset),
}

impl Map {
    /// `MAP_SHARED`, this many bytes (rounded up to pages), from the object's start, readable and writable.
    #[must_use]
    pub const fn shared(bytes: usize) -> Self {
        Self { bytes, shared: true, offset: Offset::Bytes(0), prot: Prot::READ_WRITE, at: None }
    }

    /// `MAP_PRIVATE`: stores go to copies of the user's own. Else as [`shared`](Self::shared).
    #[must_use]
    pub const fn private(bytes: usize) -> Self {
        Self { shared: false, ..Self::shared(bytes) }
    }

    /// From this offset into the object on, in bytes, as the system call takes it.
    #[must_use]
    pub const fn offset_bytes(self, offset: u64) -> Self {
        Self { offset: Offset::Bytes(offset), ..self }
    }

    /// From this page of the object on, as `mmap2` takes it.
    #[must_use]
    pub const fn pgoff(self, pgoff: PageOffset) -> Self {
        Self { offset: Offset::Pages(pgoff), ..self }
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

    /// How many bytes were asked for.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether `MAP_SHARED` was asked for, and not `MAP_PRIVATE`.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.shared
    }

    /// With which rights.
    #[must_use]
    pub const fn wanted_prot(&self) -> Prot {
        self.prot
    }

    /// Where alone, if that was asked for.
    #[must_use]
    pub const fn address(&self) -> Option<UserAddr> {
        self.at
    }

    /// Which page of the object comes first.
    ///
    /// # Errors
    /// EINVAL for an offset in bytes that is not a page's, EOVERFLOW for a page that cannot be counted.
    pub fn first_page(&self, page_shift: u32) -> Result<usize, Errno> {
        match self.offset {
            Offset::Bytes(bytes) if bytes & ((1 << page_shift) - 1) != 0 => Err(Errno::EINVAL),
            Offset::Bytes(bytes) => usize::try_from(bytes >> page_shift).map_err(|_| Errno::EOVERFLOW),
            Offset::Pages(pgoff) => Ok(pgoff.index()),
        }
    }

    /// `vm_flags` of a mapping of a file that may be read and written.
    #[must_use]
    pub fn flags(&self) -> VmFlags {
        let flags = self.prot.flags() | VmFlags::MAYREAD | VmFlags::MAYWRITE | VmFlags::MAYEXEC;
        if self.shared { flags | VmFlags::SHARED | VmFlags::MAYSHARE } else { flags }
    }
}

/// What an access ends with that did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trap {
    /// The mapping is there, and its driver could not serve the access. The address is the signal's.
    #[error("SIGBUS at {0}")]
    Sigbus(UserAddr),
    /// No mapping there, or one that does not allow the access. The address is the signal's.
    #[error("SIGSEGV at {0}")]
    Sigsegv(UserAddr),
    /// Anything else: what, for people.
    #[error("{0}")]
    Other(String),
}

/// What a system call fails with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An errno.
    #[error("{0}")]
    Errno(#[from] Errno),
    /// Anything else: what, for people.
    #[error("{0}")]
    Other(String),
}

/// A process, a session: whatever has an address space into which files of drivers are mapped. A test that is written with
/// it runs on every platform that has one.
///
/// What a platform has no means for is `None`.
pub trait UserSide: Sized + Send + Sync + 'static {
    /// The platform of the drivers.
    type Platform: Platform;
    /// An open file of a driver's.
    type File: Send + Sync;

    /// `mmap`; gives back where the mapping is.
    ///
    /// # Errors
    /// As the call has it.
    fn mmap(&self, file: &Self::File, map: Map) -> Result<UserAddr, Refusal>;

    /// `munmap`
    ///
    /// # Errors
    /// As the call has it.
    fn munmap(&self, address: UserAddr, bytes: usize) -> Result<(), Refusal>;

    /// `mprotect`
    ///
    /// # Errors
    /// As the call has it.
    fn mprotect(&self, address: UserAddr, bytes: usize, prot: Prot) -> Result<(), Refusal>;

    /// Loads bytes.
    ///
    /// # Errors
    /// The signal. Bytes of the pages before the one that failed were loaded.
    fn read(&self, address: UserAddr, into: &mut [u8]) -> Result<(), Trap>;

    /// Stores bytes.
    ///
    /// # Errors
    /// The signal. Bytes of the pages before the one that failed were stored.
    fn write(&self, address: UserAddr, from: &[u8]) -> Result<(), Trap>;

    /// Runs an ioctl: with the proof that no hook is running and no mmap lock is held.
    ///
    /// # Errors
    /// Where there cannot be one; what the closure gives is passed on.
    fn ioctl<R>(&self, run: impl FnOnce(&mut UnlockedCtx<'_, Self::Platform>) -> R) -> Result<R, Refusal>;

    /// `mremap` with `MREMAP_MAYMOVE`; gives back where the mapping is then.
    fn mremap(&self, address: UserAddr, old_bytes: usize, new_bytes: usize) -> Option<Result<UserAddr, Refusal>> {
        let _ = (address, old_bytes, new_bytes);
        None
    }

    /// `fork`: the child has the same mappings. It exits when dropped.
    fn fork(&self) -> Option<Result<Self, Refusal>> {
        None
    }

    /// How the page that is mapped at an address is cached.
    fn cache_at(&self, address: UserAddr) -> Option<Cache> {
        let _ = address;
        None
    }

    /// Whether a large entry maps an address.
    fn is_huge_at(&self, address: UserAddr) -> Option<bool> {
        let _ = address;
        None
    }
}
