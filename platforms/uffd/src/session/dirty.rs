//! Which pages of a session's mappings were stored to.

use vmctx::{Errno, PageOffset, PageRange, UserAddr};
use vmctx_hosted::hook;

use crate::{
    error::{SyscallError, errno},
    kernel::undisturbed::Undisturbed,
    mm::vma::{Vma, tells_stores},
};

use super::{calls::Session, options::Tracking};

impl Session {
    /// By what it is known which pages were stored to, if the session was opened with
    /// [`Options::track_stores`](crate::Options::track_stores).
    #[must_use]
    pub fn tracking(&self) -> Option<Tracking> {
        let by_kernel = self.shared.direct.uffd().is_wp_async();
        self.shared.tracks.then_some(if by_kernel { Tracking::Kernel } else { Tracking::Faults })
    }

    /// Which pages were stored to by users, as ranges of the object's pages, in the order of their addresses: since they
    /// were mapped, or since [`take_dirty`](Self::take_dirty) has last told of them.
    ///
    /// What was taken away, by a driver or by [`munmap`](Self::munmap), is not told of any more: who takes a page away asks
    /// before. Told of is also a page that was brought for a store. A page may be told of that was not stored to, where the
    /// kernel had forgotten it, or where a page that lies elsewhere was touched while it was mapped; none that was is left
    /// out, whatever drivers protect again meanwhile. What drivers store ([`PageRef::write`](vmctx::PageRef::write)) is their
    /// own business. What is not mapped was not stored to.
    ///
    /// # Errors
    /// EINVAL for an address that is not a page's, for no bytes, and where there is a mapping in which stores are not
    /// noted: a private one, or one of a session without [`Options::track_stores`](crate::Options::track_stores) whose
    /// driver is not told of first stores either. What the kernel refuses. [`SyscallError::Stopped`]: nothing is noted any
    /// more.
    pub fn dirty(&self, address: UserAddr, bytes: usize) -> Result<Vec<PageRange>, SyscallError> {
        self.dirty_pages(address, bytes, false)
    }

    /// The same, and protects these pages again: a store that happens after this has returned is told of the next time,
    /// and one that happened before is told of now. So whoever saves what this tells of, after it has returned, saves
    /// every store at last.
    ///
    /// # Errors
    /// As [`dirty`](Self::dirty). Where the kernel has refused, some pages may be protected again already, and would not be
    /// told of: all of them are to be taken for stored to.
    pub fn take_dirty(&self, address: UserAddr, bytes: usize) -> Result<Vec<PageRange>, SyscallError> {
        self.dirty_pages(address, bytes, true)
    }

    fn dirty_pages(&self, address: UserAddr, bytes: usize, protect: bool) -> Result<Vec<PageRange>, SyscallError> {
        self.check_home()?;
        if let Some(hook) = hook::in_the_way() {
            return Err(SyscallError::InsideHook { hook });
        }
        let range = self.page_range(address, bytes)?;
        if range.is_empty() {
            return Err(Errno::EINVAL.into());
        }
        let _undisturbed = Undisturbed::begin();
        let space = self.shared.space.mmap_lock.read();
        if space.stopped {
            return Err(SyscallError::Stopped);
        }
        let is_in = |vma: &&Vma| vma.range().start < range.end && range.start < vma.range().end;
        let vmas: Vec<&Vma> = space.vmas().iter().filter(is_in).collect();
        if !vmas.iter().all(|vma| vma.table().tracks || tells_stores(vma)) {
            return Err(Errno::EINVAL.into());
        }
        let mut dirty: Vec<PageRange> = Vec::new();
        for vma in vmas {
            let part = range.start.max(vma.range().start)..range.end.min(vma.range().end);
            // Slots of the table, which other VMAs have parts of, too.
            let first = vma.table().slot_of(vma.range().start);
            for slots in vma.table().dirty(&part, protect).map_err(errno)? {
                let at = |slot: usize| PageOffset::new(vma.pgoff() + slot - first);
                dirty.push(PageRange::new(at(slots.start), at(slots.end)));
            }
        }
        Ok(dirty)
    }
}
