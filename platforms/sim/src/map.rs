//! `mmap` and `munmap`.

use std::{ops::Range, sync::Arc};

use super::vma::SimVmas as _;
use vmctx::{Errno, PageOffset, Platform, UserAddr, entry, platform::VmFlags};
use vmctx_hosted::PageTable;

use super::{
    File, Process, Prot, Sim, SyscallError,
    hook::{self, Hook},
    platform::NewVma,
    process::{Mm, Space},
    vma::{MMAP_MIN, TASK_SIZE, Vma, Vmas},
};

const PAGE_SHIFT: u32 = Sim::PAGE_SHIFT;
const PAGE_SIZE: usize = Sim::PAGE_SIZE;

/// What to map: the arguments of `mmap`, for [`Process::mmap`]. Nothing is checked before that call.
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

    /// Which page comes first.
    fn first_page(&self) -> Result<usize, Errno> {
        match self.offset {
            Offset::Bytes(bytes) if bytes % PAGE_SIZE as u64 != 0 => Err(Errno::EINVAL),
            Offset::Bytes(bytes) => usize::try_from(bytes >> PAGE_SHIFT).map_err(|_| Errno::EOVERFLOW),
            Offset::Pages(pgoff) => Ok(pgoff.index()),
        }
    }

    /// Where the mapping goes (`__get_unmapped_area`).
    fn place(&self, vmas: &Vmas, first: usize, len: usize) -> Result<Range<usize>, Errno> {
        if len > TASK_SIZE {
            return Err(Errno::ENOMEM);
        }
        let Some(at) = self.at else {
            let start = vmas.find_aligned_gap(len, first)?;
            return Ok(start..start + len);
        };
        let start = at.get();
        if start > TASK_SIZE - len {
            return Err(Errno::ENOMEM);
        }
        if start % PAGE_SIZE != 0 {
            return Err(Errno::EINVAL);
        }
        if start < MMAP_MIN {
            return Err(Errno::EPERM);
        }
        let range = start..start + len;
        if vmas.intersecting(&range).is_some() { Err(Errno::EEXIST) } else { Ok(range) }
    }

    /// `vm_flags`, and what the file's mode forbids.
    fn flags(&self, file: &File) -> Result<VmFlags, Errno> {
        let mut flags = self.prot.flags() | VmFlags::MAYREAD | VmFlags::MAYWRITE | VmFlags::MAYEXEC;
        if self.shared {
            if self.prot.flags().contains(VmFlags::WRITE) && !file.mode().writes() {
                return Err(Errno::EACCES);
            }
            flags = flags | VmFlags::SHARED | VmFlags::MAYSHARE;
            if !file.mode().writes() {
                flags = flags.without(VmFlags::MAYWRITE | VmFlags::SHARED);
            }
        }
        if file.mode().reads() { Ok(flags) } else { Err(Errno::EACCES) }
    }
}

/// A length in whole pages (`PAGE_ALIGN`), or `None` if it cannot be counted.
pub(super) fn page_align(bytes: usize) -> Option<usize> {
    bytes.checked_next_multiple_of(PAGE_SIZE)
}

/// Leaves nothing of a mapping whose hook failed, or panicked: no entries, no page tables.
struct Undo<'a> {
    mm: &'a Mm,
    space: &'a Space,
    range: Range<usize>,
}

impl Undo<'_> {
    fn disarm(mut self) {
        self.range.end = self.range.start;
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        self.mm.tables().zap(&self.range, true);
        self.mm.free_tables(self.space, &self.range);
    }
}

impl Process {
    /// Maps a part of a file, and calls its driver's mmap hook for that. Gives back where it is.
    ///
    /// Follows `do_mmap`, check by check.
    ///
    /// # Errors
    /// EINVAL for no bytes at all, an offset or an address that is not a page's; ENOMEM for more bytes than there are
    /// addresses, and when there are [too many mappings](super::Limits::mappings); EOVERFLOW if the object's last
    /// byte could not be counted; EEXIST where something is mapped already; EPERM below the lowest address that can
    /// be mapped; EACCES for a file that was not opened for reading, or not for the writing that a shared mapping is
    /// to do; and what the mmap hook fails with. Afterwards nothing is left of a mapping that failed.
    pub fn mmap(&self, file: &File, map: Map) -> Result<UserAddr, SyscallError> {
        let first = map.first_page()?;
        let mut lock = self.mm().write_lock()?;
        if map.bytes == 0 {
            return Err(Errno::EINVAL.into());
        }
        let len = page_align(map.bytes).ok_or(Errno::ENOMEM)?;
        first.checked_add(len >> PAGE_SHIFT).ok_or(Errno::EOVERFLOW)?;
        if lock.vmas().len() > self.machine().limits().mappings {
            return Err(Errno::ENOMEM.into());
        }
        let range = map.place(lock.vmas(), first, len)?;
        // `file_mmap_ok`: the object's bytes are counted in as many bits as addresses.
        if first > (usize::MAX - len) >> PAGE_SHIFT {
            return Err(Errno::EOVERFLOW.into());
        }
        let vma = Vma::new(range.clone(), first, map.flags(file)?, file.clone(), Arc::clone(self.mm().tables()));
        let mut new = NewVma::new(vma, Arc::clone(self.mm().space()));
        let undo = Undo { mm: self.mm(), space: &lock, range: range.clone() };
        // SAFETY: the VMA is being made for this file; `lock` is the mmap lock, held for write, until the end of this
        // function.
        #[expect(unsafe_code, reason = "the lock is held: see above")]
        hook::enter(Hook::Mmap, || unsafe { entry::mmap(file.driver(), &mut new) })?;
        undo.disarm();
        lock.vmas.insert(new.into_vma());
        Ok(UserAddr::new(range.start))
    }

    /// Takes mappings away, whole or in part. What is not mapped is no error.
    ///
    /// When it returns, no thread is in the middle of an access to what was there, and the states of mappings of which
    /// nothing is left, in any process, have been dropped.
    ///
    /// # Errors
    /// EINVAL for an address that is not a page's, for no bytes and for a range that leaves the address space; ENOMEM
    /// if cutting a mapping in two would make [too many](super::Limits::mappings); what `may_split` refuses a cut
    /// with. Nothing has been unmapped then.
    pub fn munmap(&self, address: UserAddr, bytes: usize) -> Result<(), SyscallError> {
        let mut lock = self.mm().write_lock()?;
        let start = address.get();
        if start % PAGE_SIZE != 0 || start > TASK_SIZE || bytes > TASK_SIZE - start {
            return Err(Errno::EINVAL.into());
        }
        let range = start..start + page_align(bytes).ok_or(Errno::EINVAL)?;
        if range.is_empty() {
            return Err(Errno::EINVAL.into());
        }
        let files = self.unmap_locked(&mut lock, &range)?;
        drop(lock);
        drop(files);
        Ok(())
    }

    /// `do_vmi_munmap`: cuts at both ends, then takes away what is between. The files are to be dropped after the lock.
    pub(super) fn unmap_locked(&self, space: &mut Space, range: &Range<usize>) -> Result<Vec<File>, Errno> {
        let limit = self.machine().limits().mappings;
        let hole =
            space.vmas().find(range.start).is_some_and(|vma| vma.start() < range.start && vma.range().end > range.end);
        // Linux lets the count go over the limit for a moment, but not for a mapping that loses its middle.
        if hole && space.vmas().len() >= limit {
            return Err(Errno::ENOMEM);
        }
        space.vmas.split(range.start)?;
        space.vmas.split(range.end)?;
        Ok(self.mm().unmap(space, range))
    }
}
