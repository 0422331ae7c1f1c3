//! `fork`.

use vmctx::{Errno, platform::VmFlags};

use super::vma::{SimVma as _, SimVmas as _};
use super::{
    Process, SyscallError,
    insert::fill,
    pagetable::{LEAF_SPAN, Pte},
    process::{Mm, Space},
    vma::Vma,
};

impl Process {
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
    pub fn fork(&self) -> Result<Self, SyscallError> {
        let lock = self.mm().write_lock()?;
        let child = Self::new(self.machine().clone());
        self.mm().copy_space(&lock, child.mm())?;
        Ok(child)
    }
}

impl Mm {
    fn copy_space(&self, space: &Space, child: &Self) -> Result<(), Errno> {
        let mut copy = child.new_space();
        for vma in space.vmas().iter().filter(|vma| !vma.flags().contains(VmFlags::DONTCOPY)) {
            let twin = vma.duplicate(vma.range(), vma.pgoff(), child.tables());
            let live = twin.is_live();
            // Whoever unmaps pages of the object does it before the copy or on both sides.
            let mut mappings = vma.file().mappings().lock();
            mappings.link(&twin);
            copy.vmas.put(twin);
            if live && needs_copy(vma) {
                self.copy_entries(vma, child)?;
            }
        }
        Ok(())
    }

    /// `copy_page_range`
    fn copy_entries(&self, vma: &Vma, child: &Self) -> Result<(), Errno> {
        let protect = vma.flags().is_cow();
        let shared = vma.flags().contains(VmFlags::SHARED);
        self.tables().try_for_each(vma.range(), |at, pte, slot| {
            let writable = pte.writable && !protect;
            let copy = Pte { writable, dirty: pte.dirty && !shared, ..pte };
            if at.len() == LEAF_SPAN {
                child.tables().insert_huge(at.start, 1, copy, false)?;
            } else {
                child.tables().with_table(at.start, |twin| fill(child.tables(), twin, copy))?;
            }
            if writable != pte.writable {
                slot.set(Some(Pte { writable, ..pte }));
            }
            Ok(())
        })
    }
}

/// `vma_needs_copy`: faults would not bring back what drivers inserted, nor private copies.
fn needs_copy(vma: &Vma) -> bool {
    vma.flags().intersects(VmFlags::PFNMAP | VmFlags::MIXEDMAP) || vma.copied()
}
