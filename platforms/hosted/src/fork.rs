//! `fork`.

use vmctx::{Errno, platform::VmFlags};

use crate::{
    error::SyscallError,
    mm::Mm,
    paged::Paged,
    paging::{Entry, PageTable, Pte, fill},
    process::Process,
    vma::{Space, Vma},
};

impl<P: Paged> Process<P> {
    /// A child with a copy of the address space (`dup_mmap`).
    ///
    /// Mappings that the driver does not let be copied (`VM_DONTCOPY`) are left out. The others share the driver's
    /// state. Entries of mappings in which drivers insert, and of those with private copies, are copied; others are
    /// filled by faults again. What is private is write-protected on both sides, and copied with the first store. A
    /// mapping whose open hook fails is there, with nothing in it, and a touch is a SIGBUS.
    ///
    /// # Errors
    /// ENOMEM without page tables; nothing is left of the child then. [`SyscallError::InsideHook`],
    /// [`SyscallError::Exited`].
    #[track_caller]
    pub fn fork(&self) -> Result<Self, SyscallError> {
        let lock = self.mm().write_lock()?;
        let child = Self::new(self.mm().table().empty());
        self.mm().copy_space(&lock, child.mm())?;
        Ok(child)
    }
}

impl<P: Paged> Mm<P> {
    fn copy_space(&self, space: &Space<P>, child: &Self) -> Result<(), Errno> {
        let mut copy = child.new_space();
        for vma in space.vmas().iter().filter(|vma| !vma.flags().contains(VmFlags::DONTCOPY)) {
            let twin = vma.duplicate(vma.range(), vma.pgoff(), child.table());
            let live = twin.is_live();
            // Whoever unmaps pages of the object does it before the copy or on both sides.
            let mut mappings = P::mappings(vma.file()).lock();
            mappings.link(twin.number(), twin.place());
            copy.vmas.put(twin);
            if live && needs_copy(vma) {
                self.copy_entries(vma, child)?;
            }
        }
        Ok(())
    }

    /// `copy_page_range`
    fn copy_entries(&self, vma: &Vma<P>, child: &Self) -> Result<(), Errno> {
        let protect = vma.flags().is_cow();
        let shared = vma.flags().contains(VmFlags::SHARED);
        self.table().try_for_each(vma.range(), |at, pte, entry| {
            let writable = pte.writable && !protect;
            let copy = Pte { writable, dirty: pte.dirty && !shared, ..pte };
            if at.len() == P::Table::TABLE_SPAN {
                child.table().insert_huge(at.start, 1, copy, false)?;
            } else {
                // SAFETY: this address space's entry has a reference as long as it is there, which its lock sees to.
                #[expect(unsafe_code, reason = "the reference is there: see above")]
                child.table().with_table(at.start, |twin| unsafe { fill(&**child.table(), twin, copy) })?;
            }
            if writable != pte.writable {
                entry.set(Some(Pte { writable, ..pte }));
            }
            Ok(())
        })
    }
}

/// `vma_needs_copy`: faults would not bring back what drivers inserted, nor private copies.
fn needs_copy<P: Paged>(vma: &Vma<P>) -> bool {
    vma.flags().intersects(VmFlags::PFNMAP | VmFlags::MIXEDMAP) || vma.is_copied()
}
