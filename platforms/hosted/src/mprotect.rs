//! `mprotect`.

use std::ops::Range;

use vmctx::{Errno, UserAddr, platform::VmFlags};

use crate::{
    error::SyscallError,
    mm::Mm,
    paged::Paged,
    paging::{Entry, Pte, for_each},
    process::{Process, page_align},
    prot::Prot,
    vma::Space,
};

/// What `mprotect` says, as flags.
const ACCESS: VmFlags = VmFlags::from_bits(0x7);

/// How far `VM_MAYREAD` and its likes are from `VM_READ`.
const MAY_SHIFT: u32 = 4;

impl<P: Paged> Process<P> {
    /// Changes what the user may do with a range, which is mapped throughout.
    ///
    /// Follows `do_mprotect_pkey`: mapping by mapping, and where it stops with an error those before keep the new
    /// protection.
    ///
    /// # Errors
    /// EINVAL for an address that is not a page's; ENOMEM for a hole in the range, and if cutting makes
    /// [too many mappings](crate::Machine::max_mappings); EACCES for a right that the mapping may never have; what
    /// `may_split` refuses a cut with.
    #[track_caller]
    pub fn mprotect(&self, address: UserAddr, bytes: usize, prot: Prot) -> Result<(), SyscallError> {
        let start = address.get();
        if start % P::PAGE_SIZE != 0 {
            return Err(Errno::EINVAL.into());
        }
        if bytes == 0 {
            return Ok(());
        }
        let end = page_align::<P>(bytes).and_then(|len| len.checked_add(start)).ok_or(Errno::ENOMEM)?;
        let mut lock = self.mm().write_lock()?;
        let mut at = start;
        while at < end {
            at = self.mm().protect_one(&mut lock, at..end, prot)?;
        }
        Ok(())
    }
}

impl<P: Paged> Mm<P> {
    /// The part of a range that lies in its first mapping. Gives back where that ends.
    fn protect_one(&self, space: &mut Space<P>, range: Range<usize>, prot: Prot) -> Result<usize, Errno> {
        let vma = space.vmas().find(range.start).ok_or(Errno::ENOMEM)?;
        let part = range.start..range.end.min(vma.range().end);
        let flags = vma.flags().without(ACCESS) | prot.flags();
        let may = VmFlags::from_bits(flags.bits() >> MAY_SHIFT);
        if prot.flags().without(may) != VmFlags::NONE {
            return Err(Errno::EACCES);
        }
        if flags == vma.flags() {
            return Ok(part.end);
        }
        self.split(space, part.start)?;
        self.split(space, part.end)?;
        let vma = space.vmas.find_mut(part.start).ok_or(Errno::ENOMEM)?;
        vma.change_flags(prot.flags(), ACCESS.without(prot.flags()));
        let (accessible, writable) = (vma.is_accessible(), vma.page_prot().is_writable());
        let told = vma.flags().contains(VmFlags::SHARED | VmFlags::WRITE);
        // A private copy that was writable becomes so again with the first store. Of a shared mapping what is dirty
        // becomes writable at once: whoever is told of first stores was told of this one (`can_change_pte_writable`).
        for_each(&**self.table(), part.clone(), |_, pte, entry| {
            let writable = writable || (told && pte.dirty);
            entry.set(Some(Pte { accessible, writable, ..pte }));
        });
        Ok(part.end)
    }
}
