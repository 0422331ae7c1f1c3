//! The zero page: the kernel's own, which takes neither memory nor, where slots lie together, mappings of the kernel's.

use std::{ops::Range, sync::atomic::Ordering};

use crate::{error::RawErrno, kernel::sys::ProtFlags};

use super::{
    backing::{Backing, NOWHERE},
    page_table::Table,
    pte::PFN,
};

impl Table {
    /// Whether an entry with these bits is shown by the kernel's zero page (`UFFDIO_ZEROPAGE`), and not by the memory object's
    /// frame of zeros. Where a driver is told of stores that must not be: between mapping and registering private memory a
    /// store would be told to nobody.
    #[inline]
    pub(crate) fn is_kernels_zero_page(&self, bits: u64) -> bool {
        bits & PFN == self.memory.zero_page() && self.moving.get().is_none()
    }

    /// Has the kernel's mapping show private memory in these slots, in which it puts its zero page. A private mapping does
    /// anyway, whatever is behind it. In a shared one, which nobody may store to where the zero page is, the slots become a
    /// mapping of their own, together with what lies beside them and shows zeros, too.
    pub(crate) fn show_nothing(
        &self,
        kernel: &mut Backing,
        slots: &Range<usize>,
        prot: ProtFlags,
    ) -> Result<(), RawErrno> {
        let nowhere = NOWHERE + slots.start as u64;
        if !self.shared || kernel.shows(slots, nowhere) {
            return Ok(());
        }
        let range = self.addresses_of(slots);
        // What could be touched between the two is what was inserted: zeros, for loads alone.
        // SAFETY: reserved when this table was made.
        if let Err(errno) = unsafe { self.map_nothing(&range, prot) } {
            // It may be mapped without being registered, and then nobody would serve its faults.
            self.close_off(kernel, slots)?;
            return Err(errno);
        }
        kernel.set(slots, Some(nowhere));
        Ok(())
    }

    /// Maps private memory with nothing in it, and registers it.
    ///
    /// # Safety
    /// The range is this platform's.
    pub(crate) unsafe fn map_nothing(&self, range: &Range<usize>, prot: ProtFlags) -> Result<(), RawErrno> {
        // SAFETY: by this function's contract.
        unsafe { self.owner.replace_by_nothing(range, prot) }?;
        self.uffd().register_private(range, self.protects.load(Ordering::Relaxed))
    }
}
