//! What is asked of `mmap`.

use vmctx::{Errno, PageOffset, UserAddr, platform::VmFlags};

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
