//! `mremap`.

use std::ops::Range;

use vmctx::{Errno, PageCount, Platform, UserAddr, platform::VmFlags};

use super::vma::SimVmas as _;
use super::{
    File, Process, Sim, SyscallError,
    map::page_align,
    pagetable::LEAF_SPAN,
    process::{Mm, Space},
    vma::{TASK_SIZE, Vma},
};

const PAGE_SHIFT: u32 = Sim::PAGE_SHIFT;

impl Process {
    /// Makes a mapping longer or shorter, and moves it if it must and may (`MREMAP_MAYMOVE`). Gives back where it is
    /// then.
    ///
    /// What was mapped stays mapped, also at the new place: page table entries move. With `old_bytes` zero a shared
    /// mapping is not moved but mapped once more.
    ///
    /// # Errors
    /// EINVAL for an address that is not a page's, for no new bytes, for a private mapping to be mapped once more,
    /// and if the object's offsets overflow; EFAULT where nothing is mapped, where `old_bytes` reach over the
    /// mapping's end, and to grow a mapping of frames or one that the driver does not let grow (`VM_DONTEXPAND`);
    /// ENOMEM without room, page tables or mappings; what `may_split` refuses a cut with. The mapping is then as it
    /// was.
    pub fn mremap(
        &self,
        address: UserAddr,
        old_bytes: usize,
        new_bytes: usize,
        may_move: bool,
    ) -> Result<UserAddr, SyscallError> {
        let start = address.get();
        let old_len = page_align(old_bytes).ok_or(Errno::EINVAL)?;
        let new_len = page_align(new_bytes).ok_or(Errno::EINVAL)?;
        if start % Sim::PAGE_SIZE != 0 || new_len == 0 {
            return Err(Errno::EINVAL.into());
        }
        let mut lock = self.mm().write_lock()?;
        let vma = lock.vmas().find(start).ok_or(Errno::EFAULT)?;
        let mut files = Vec::new();
        let at = if new_len <= old_len {
            files = self.shrink(&mut lock, start, new_len, old_len)?;
            start
        } else {
            may_grow(vma, start, old_len, new_len)?;
            if fits_behind(&lock, vma, start, old_len, new_len) {
                let first = vma.start();
                let by = PageCount::new((new_len - old_len) >> PAGE_SHIFT);
                lock.vmas.extend(first, by);
                start
            } else if may_move {
                let to = lock.vmas().find_aligned_gap(new_len, vma.pgoff_at(start))?;
                self.move_mapping(&mut lock, start..start + old_len, to..to + new_len, &mut files)?;
                to
            } else {
                return Err(Errno::ENOMEM.into());
            }
        };
        drop(lock);
        drop(files);
        Ok(UserAddr::new(at))
    }

    fn shrink(&self, space: &mut Space, start: usize, new_len: usize, old_len: usize) -> Result<Vec<File>, Errno> {
        if old_len == new_len {
            return Ok(Vec::new());
        }
        let end = start.checked_add(old_len).filter(|end| *end <= TASK_SIZE).ok_or(Errno::EINVAL)?;
        self.unmap_locked(space, &(start + new_len..end))
    }

    /// `move_vma`: a second VMA, the entries, then away with the first.
    fn move_mapping(
        &self,
        space: &mut Space,
        from: Range<usize>,
        to: Range<usize>,
        files: &mut Vec<File>,
    ) -> Result<(), Errno> {
        // Cutting the old one out can take three, and must not fail after the entries have moved.
        if space.vmas().len() >= self.machine().limits().mappings.saturating_sub(3) {
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
            files.extend(self.mm().unmap(space, &to));
            return Err(errno);
        }
        if !from.is_empty() {
            // Linux, too, leaves the old one there, without its entries, if it cannot be cut any more.
            files.extend(self.unmap_locked(space, &from).unwrap_or_default());
        }
        Ok(())
    }
}

/// `vma_to_resize`, to grow.
fn may_grow(vma: &Vma, start: usize, old_len: usize, new_len: usize) -> Result<(), Errno> {
    if old_len == 0 && !vma.flags().contains(VmFlags::MAYSHARE) {
        return Err(Errno::EINVAL);
    }
    if old_len > vma.range().end - start {
        return Err(Errno::EFAULT);
    }
    vma.pgoff_at(start).checked_add(new_len >> PAGE_SHIFT).ok_or(Errno::EINVAL)?;
    if vma.flags().intersects(VmFlags::DONTEXPAND | VmFlags::PFNMAP) {
        return Err(Errno::EFAULT);
    }
    Ok(())
}

/// `vma_expandable`: whether what is to grow ends where its mapping does, and has room behind.
fn fits_behind(space: &Space, vma: &Vma, start: usize, old_len: usize, new_len: usize) -> bool {
    let end = vma.range().end;
    let Some(new_end) = end.checked_add(new_len - old_len) else { return false };
    old_len == end - start && new_end <= TASK_SIZE && space.vmas().intersecting(&(end..new_end)).is_none()
}

impl Mm {
    /// `move_page_tables`: all entries, or, without a table for one, none.
    fn move_entries(&self, file: &File, from: Range<usize>, to: usize) -> Result<(), Errno> {
        // Whoever unmaps pages of the object finds each entry at one place or at the other.
        let _mappings = file.mappings().lock();
        let moved = self.move_range(from.clone(), to);
        if moved.is_err() {
            // The tables that they came from are still there.
            let back = to..to + from.len();
            self.move_range(back, from.start)?;
        }
        moved
    }

    fn move_range(&self, from: Range<usize>, to: usize) -> Result<(), Errno> {
        let range = from.clone();
        self.tables().try_for_each(range, |at, pte, slot| {
            if at.len() == Sim::PAGE_SIZE {
                self.tables().with_table(at.start - from.start + to, |new| new.set(Some(pte)))?;
                slot.set(None);
                return Ok(());
            }
            slot.set(None);
            // A huge entry moves as a whole or, as on Linux, not at all, and faults bring it back.
            let new = at.start.checked_sub(from.start).map(|skipped| to + skipped);
            match new.filter(|new| new % LEAF_SPAN == 0 && at.end <= from.end) {
                Some(new) => self.tables().insert_huge(new, 1, pte, false)?,
                None => self.tables().forget(pte),
            }
            Ok(())
        })
    }
}
