//! `mremap`.

use std::ops::Range;

use vmctx::{Errno, UserAddr, platform::VmFlags};

use crate::{
    error::SyscallError,
    gap,
    machine::Machine,
    mm::Mm,
    paged::Paged,
    paging::{Entry, PageTable, Pte, for_each, forget},
    panics::ClosedFiles,
    process::{Process, page_align},
    vma::{Space, Vma},
};

impl<P: Paged> Process<P> {
    /// Makes a mapping longer or shorter, and moves it if it must and may (`MREMAP_MAYMOVE`). Gives back where it is
    /// then.
    ///
    /// What was mapped stays mapped, also at the new place: page table entries move. With `old_bytes` zero, or so many that
    /// whole pages cannot be counted, a shared mapping is not moved but mapped once more.
    ///
    /// # Errors
    /// EINVAL for an address that is not a page's, for no new bytes, for a private mapping to be mapped once more, and
    /// if the object's offsets overflow; EFAULT where nothing is mapped, where `old_bytes` reach over the mapping's
    /// end, and to grow a mapping, or map it once more, that the driver does not let grow (`VM_DONTEXPAND`); ENOMEM
    /// without room, page tables or mappings, and to grow where there is room behind; what `may_split` refuses a cut
    /// with. The mapping is then as it was.
    #[track_caller]
    pub fn mremap(
        &self,
        address: UserAddr,
        old_bytes: usize,
        new_bytes: usize,
        may_move: bool,
    ) -> Result<UserAddr, SyscallError> {
        let start = address.get();
        let (old_len, new_len) = lengths::<P>(start, old_bytes, new_bytes)?;
        // Declared before the lock, and so dropped after it.
        let mut files = ClosedFiles::default();
        let mut lock = self.mm().write_lock()?;
        let vma = lock.vmas().find(start).ok_or(Errno::EFAULT)?;
        let at = if new_len <= old_len {
            self.shrink(&mut lock, start, new_len, old_len, &mut files)?;
            start
        } else {
            may_grow(vma, start, old_len, new_len)?;
            // Where there is room behind, Linux grows a mapping by merging it with what would be there, which it does
            // not do with those that have one of `VmFlags::SPECIAL`; and then it does not move the mapping either.
            if may_move && !has_room_behind(&lock, vma, start, old_len, new_len) {
                let to = gap::find(lock.vmas(), new_len, vma.pgoff_at(start))?;
                self.move_mapping(&mut lock, start..start + old_len, to..to + new_len, &mut files)?;
                to
            } else {
                return Err(Errno::ENOMEM.into());
            }
        };
        Ok(UserAddr::new(at))
    }

    /// The same to a place of the caller's (`MREMAP_FIXED`): what is mapped there is taken away first.
    ///
    /// Follows `mremap_to`.
    ///
    /// # Errors
    /// As [`mremap`](Self::mremap); EINVAL also for a place that is not a page's, that is not in the address space, or
    /// that overlaps with the mapping. What was mapped there may have gone even so.
    #[track_caller]
    pub fn mremap_fixed(
        &self,
        address: UserAddr,
        old_bytes: usize,
        new_bytes: usize,
        to: UserAddr,
    ) -> Result<UserAddr, SyscallError> {
        let (start, to) = (address.get(), to.get());
        let (old_len, new_len) = lengths::<P>(start, old_bytes, new_bytes)?;
        // Declared before the lock, and so dropped after it.
        let mut files = ClosedFiles::default();
        let mut lock = self.mm().write_lock()?;
        lock.vmas().find(start).ok_or(Errno::EFAULT)?;
        if to % P::PAGE_SIZE != 0 || new_len > P::TASK_SIZE || to > P::TASK_SIZE - new_len {
            return Err(Errno::EINVAL.into());
        }
        let end = start.checked_add(old_len).ok_or(Errno::EINVAL)?;
        if to < P::MMAP_MIN || (end > to && to + new_len > start) {
            return Err(Errno::EINVAL.into());
        }
        self.mm().unmap_range(&mut lock, &(to..to + new_len), &mut files)?;
        let old_len = if old_len > new_len {
            self.shrink(&mut lock, start, new_len, old_len, &mut files)?;
            new_len
        } else {
            old_len
        };
        let vma = lock.vmas().find(start).ok_or(Errno::EFAULT)?;
        if new_len > old_len {
            may_grow(vma, start, old_len, new_len)?;
        } else if old_len > vma.range().end - start {
            return Err(Errno::EFAULT.into());
        }
        self.move_mapping(&mut lock, start..start + old_len, to..to + new_len, &mut files)?;
        Ok(UserAddr::new(to))
    }

    fn shrink(
        &self,
        space: &mut Space<P>,
        start: usize,
        new_len: usize,
        old_len: usize,
        files: &mut ClosedFiles<P::File>,
    ) -> Result<(), Errno> {
        if old_len == new_len {
            return Ok(());
        }
        let end = start.checked_add(old_len).filter(|end| *end <= P::TASK_SIZE).ok_or(Errno::EINVAL)?;
        self.mm().unmap_range(space, &(start + new_len..end), files)
    }

    /// `move_vma`: a second VMA, the entries, then away with the first.
    fn move_mapping(
        &self,
        space: &mut Space<P>,
        from: Range<usize>,
        to: Range<usize>,
        files: &mut ClosedFiles<P::File>,
    ) -> Result<(), Errno> {
        // Cutting the old one out can take three, and must not fail after the entries have moved.
        if space.vmas().len() >= self.machine().max_mappings().saturating_sub(3) {
            return Err(Errno::ENOMEM);
        }
        let vma = space.vmas().find(from.start).ok_or(Errno::EFAULT)?;
        if vma.start() != from.start {
            vma.may_split(from.start)?;
        }
        if vma.range().end != from.end {
            vma.may_split(from.end)?;
        }
        let file = vma.file().clone();
        let moved = vma.duplicate(to.clone(), vma.pgoff_at(from.start), vma.table());
        let live = moved.is_live();
        space.vmas.insert(moved);
        let moved = if live { self.mm().move_entries(&file, from.clone(), to.start) } else { Ok(()) };
        if let Err(errno) = moved {
            self.mm().unmap(space, &to, files);
            return Err(errno);
        }
        if !from.is_empty() {
            // Linux, too, leaves the old one there, without its entries, if it cannot be cut any more.
            let _ = self.mm().unmap_range(space, &from, files);
        }
        Ok(())
    }
}

/// The lengths in whole pages: the old one may be none, the new one not. What whole pages cannot count is none, because
/// Linux's `PAGE_ALIGN` wraps.
fn lengths<P: Paged>(start: usize, old_bytes: usize, new_bytes: usize) -> Result<(usize, usize), Errno> {
    let [old_len, new_len] = [old_bytes, new_bytes].map(|bytes| page_align::<P>(bytes).unwrap_or(0));
    if start % P::PAGE_SIZE != 0 || new_len == 0 { Err(Errno::EINVAL) } else { Ok((old_len, new_len)) }
}

/// `vma_to_resize`, to grow.
fn may_grow<P: Paged>(vma: &Vma<P>, start: usize, old_len: usize, new_len: usize) -> Result<(), Errno> {
    if old_len == 0 && !vma.flags().contains(VmFlags::MAYSHARE) {
        return Err(Errno::EINVAL);
    }
    if old_len > vma.range().end - start {
        return Err(Errno::EFAULT);
    }
    vma.pgoff_at(start).checked_add(new_len >> P::PAGE_SHIFT).ok_or(Errno::EINVAL)?;
    if vma.flags().intersects(VmFlags::DONTEXPAND | VmFlags::PFNMAP) {
        return Err(Errno::EFAULT);
    }
    Ok(())
}

/// `vma_expandable`: whether what is to grow ends where its mapping does, and has room behind.
fn has_room_behind<P: Paged>(space: &Space<P>, vma: &Vma<P>, start: usize, old_len: usize, new_len: usize) -> bool {
    let end = vma.range().end;
    let Some(new_end) = end.checked_add(new_len - old_len) else { return false };
    old_len == end - start && new_end <= P::TASK_SIZE && space.vmas().intersecting(&(end..new_end)).is_none()
}

impl<P: Paged> Mm<P> {
    /// `move_page_tables`: all entries, or, without a table for one, none.
    fn move_entries(&self, file: &P::File, from: Range<usize>, to: usize) -> Result<(), Errno> {
        // Whoever unmaps pages of the object finds each entry at one place or at the other.
        let _mappings = P::mappings(file).lock();
        let moved = self.move_range(from.clone(), to);
        if moved.is_err() {
            // The tables that they came from are still there.
            let back = to..to + from.len();
            self.move_range(back, from.start)?;
        }
        moved
    }

    /// Everything is taken out before anything is put in: one lock may serve for the entries of both places.
    fn move_range(&self, from: Range<usize>, to: usize) -> Result<(), Errno> {
        let mut taken = Vec::new();
        for_each(&**self.table(), from.clone(), |at, pte, entry| {
            entry.set(None);
            taken.push((at, pte));
        });
        let mut moved = Ok(());
        for (at, pte) in taken {
            if moved.is_ok() {
                moved = self.move_entry(&at, pte, &from, to);
            }
            if moved.is_err() {
                // The tables that it came from are still there.
                self.put_entry(at.start, &at, pte)?;
            }
        }
        moved
    }

    fn move_entry(&self, at: &Range<usize>, pte: Pte, from: &Range<usize>, to: usize) -> Result<(), Errno> {
        let new = at.start.checked_sub(from.start).map(|skipped| to + skipped);
        // A large entry moves as a whole or, as on Linux, not at all, and faults bring it back.
        let whole = |new: &usize| at.len() == P::PAGE_SIZE || (new % P::Table::TABLE_SPAN == 0 && at.end <= from.end);
        match new.filter(whole) {
            Some(new) => self.put_entry(new, at, pte),
            None => {
                // SAFETY: it has just been taken out.
                #[expect(unsafe_code, reason = "the entry is the caller's: see above")]
                unsafe {
                    forget(&**self.table(), pte);
                }
                Ok(())
            }
        }
    }

    /// Puts an entry back into the page tables, with the reference that it holds; it is as large as `at`, where it was.
    fn put_entry(&self, new: usize, at: &Range<usize>, pte: Pte) -> Result<(), Errno> {
        if at.len() == P::PAGE_SIZE {
            self.table().with_table(new, |entry| entry.set(Some(pte)))
        } else {
            self.table().insert_huge(new, 1, pte, false)
        }
    }
}
