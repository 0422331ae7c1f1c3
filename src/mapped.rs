//! Established mappings, reached from outside their hooks.

use core::{marker::PhantomData, ops::Range};

use crate::{
    errno::{Errno, InsertPagesError},
    frame::Frame,
    kind::{HoldsFrames, HoldsMixed, HoldsPages},
    ops::VmOperations,
    platform::Platform,
    sleep::{MaySleep, may_sleep},
    token::{Held, Invariant},
    units::{PageCount, PageOffset, UserAddr},
};

/// An established mapping, with its process's mmap lock held for read: from [`Handle::lock`](crate::Handle::lock), or
/// from [`UnlockedCtx::find`](crate::UnlockedCtx::find). Dropping it gives the lock back.
///
/// Locks: it holds the mmap lock for read itself. May sleep. Insertion answers `Result<(), Errno>`. Nothing here
/// answers a hook, so operations take `&self`. Slots are named by their page offset in the object, and are found where
/// the mapping was cut or moved, too.
pub struct MappedCtx<'l, P: Platform, M> {
    vma: Held<P::MappedVma>,
    brand: Invariant<'l>,
    kind: PhantomData<fn(M) -> M>,
    thread: PhantomData<*mut MappedCtx<'static, P, M>>,
}

/// Makes the token. Not an associated function of [`MappedCtx`], which rustc would suggest to whoever tries a literal.
pub(crate) fn mapped<'l, P: Platform, M>(vma: P::MappedVma) -> MappedCtx<'l, P, M> {
    MappedCtx { vma: Held(vma), brand: PhantomData, kind: PhantomData, thread: PhantomData }
}

/// The platform's value gives the lock back when it is dropped. This impl is empty and tells rustc that the
/// `UnlockedCtx` stays borrowed until then: without it the borrow could end before the lock does.
impl<P: Platform, M> Drop for MappedCtx<'_, P, M> {
    fn drop(&mut self) {}
}

impl<P: Platform, M> MappedCtx<'_, P, M> {
    /// The right to sleep, for as long as this context is borrowed.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        may_sleep()
    }

    /// The state of the mapping, if it is a `V`. It says whose mapping this is.
    #[must_use]
    pub fn state<V: VmOperations<Platform = P>>(&self) -> Option<&V> {
        P::mapped_state(&self.vma.0)
    }

    /// The page of the object that shows at an address, or `None` if another mapping is there, or nothing.
    #[must_use]
    pub fn pgoff_of(&self, address: UserAddr) -> Option<PageOffset> {
        P::mapped_pgoff(&self.vma.0, address)
    }

    /// The addresses of this slot and of those behind it that lie together.
    fn slots(&self, at: PageOffset) -> Result<Range<usize>, Errno> {
        match P::mapped_slots(&self.vma.0, at) {
            Some((found, slots)) if found == at => Ok(slots),
            _ => Err(Errno::EFAULT),
        }
    }

    /// Inserts a page (`vm_insert_page`). The mapping takes a reference of its own.
    ///
    /// # Errors
    /// EFAULT if the mapping has no such slot, EBUSY if something is there already, ENOMEM without a page table, EINVAL
    /// for a page that may not be mapped.
    pub fn insert_page(&self, at: PageOffset, page: &P::Page) -> Result<(), Errno>
    where
        M: HoldsPages,
    {
        P::mapped_insert_page(&self.vma.0, self.slots(at)?.start, page)
    }

    /// Inserts the zero page. As [`insert_page`](Self::insert_page), and EINVAL in a shared mapping that is writable or
    /// may become so.
    ///
    /// # Errors
    /// See above.
    pub fn insert_zero_page(&self, at: PageOffset) -> Result<(), Errno>
    where
        M: HoldsPages,
    {
        P::mapped_insert_zero_page(&self.vma.0, self.slots(at)?.start)
    }

    /// Inserts pages into the slots from `at` on, in one go (`vm_insert_pages`).
    ///
    /// # Errors
    /// As [`insert_page`](Self::insert_page), and how many are in. Those stay; none of the others is.
    pub fn insert_pages(&self, at: PageOffset, pages: &[P::Page]) -> Result<(), InsertPagesError>
    where
        M: HoldsPages,
    {
        let mut done = 0;
        let stopped = |errno, done| InsertPagesError { errno, inserted: PageCount::new(done) };
        while let Some(rest) = pages.get(done..).filter(|rest| !rest.is_empty()) {
            let next = at.checked_add(PageCount::new(done)).ok_or(stopped(Errno::EOVERFLOW, done))?;
            let slots = self.slots(next).map_err(|errno| stopped(errno, done))?;
            let fitting = rest.len().min(slots.len() >> P::PAGE_SHIFT);
            P::mapped_insert_pages(&self.vma.0, slots.start, rest.get(..fitting).unwrap_or(rest))
                .map_err(|(errno, more)| stopped(errno, done + more))?;
            done += fitting;
        }
        Ok(())
    }

    /// Inserts a frame by number (`vmf_insert_pfn`, whose answer is translated by the platform). No reference is taken.
    ///
    /// # Errors
    /// EFAULT if the mapping has no such slot, ENOMEM without a page table, EINVAL for a frame that may not be mapped;
    /// EBUSY if something is there already, where the platform can tell.
    pub fn insert_pfn(&self, at: PageOffset, frame: Frame<'_, P>) -> Result<(), Errno>
    where
        M: HoldsFrames,
    {
        P::mapped_insert_pfn(&self.vma.0, self.slots(at)?.start, frame.pfn())
    }

    /// Inserts a frame that may have a page behind it (`vmf_insert_mixed`).
    ///
    /// # Errors
    /// As [`insert_pfn`](Self::insert_pfn).
    pub fn insert_mixed(&self, at: PageOffset, frame: Frame<'_, P>) -> Result<(), Errno>
    where
        M: HoldsMixed,
    {
        P::mapped_insert_mixed(&self.vma.0, self.slots(at)?.start, frame.pfn())
    }

    /// Takes away what is mapped of `count` pages of the object from `first` on (`zap_page_range_single`); the next
    /// touch faults. Slots that the mapping does not have are passed over.
    pub fn zap(&self, first: PageOffset, count: PageCount) {
        self.for_slots(first, count, |addresses| P::mapped_zap(&self.vma.0, addresses));
    }

    /// Takes the right to write from what is mapped of `count` pages of the object from `first` on, so that the next
    /// store to each asks [`page_mkwrite`](crate::Hooks::page_mkwrite) or [`pfn_mkwrite`](crate::Hooks::pfn_mkwrite)
    /// anew. Where a platform cannot do only that, it zaps them: the next load then faults as well.
    pub fn write_protect(&self, first: PageOffset, count: PageCount) {
        self.for_slots(first, count, |addresses| P::mapped_write_protect(&self.vma.0, addresses));
    }

    fn for_slots(&self, first: PageOffset, count: PageCount, each: impl Fn(Range<usize>)) {
        let end = first.index().saturating_add(count.get());
        let mut at = first;
        while let Some((found, slots)) = P::mapped_slots(&self.vma.0, at).filter(|(found, _)| found.index() < end) {
            let pages = (slots.len() >> P::PAGE_SHIFT).min(end - found.index());
            each(slots.start..slots.start + (pages << P::PAGE_SHIFT));
            at = PageOffset::new(found.index().saturating_add(pages));
        }
    }
}

// What it refuses, with what to write instead.
include!("refused/mapped.rs");
