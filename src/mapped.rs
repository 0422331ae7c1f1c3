//! Established mappings, reached from outside their hooks.

use core::{marker::PhantomData, ops::Range};

use crate::{
    Errno, Frame, FrameRange, InsertPagesError, MaySleep, PageCount, PageOffset, Platform, UnlockedCtx, UserAddr,
    VmOperations,
    guidance::{AnswersNothing, HoldsAMapping, MakesTheMapping},
    kind::{HoldsFrames, HoldsMixed, HoldsPages, Mapping},
    sleep::may_sleep,
    token::{Held, Invariant},
};

/// A mapping to come back to, made by its own mmap hook: [`MmapCtx::handle`](crate::MmapCtx::handle). Keep it in the
/// file or the device, for an ioctl or a shrinker.
///
/// It keeps nothing alive: not the mapping, not the process. Whether the mapping is still there is looked up whenever it
/// is used, under the process's mmap lock: by the state that it was established with, never by its address, where
/// another one may be by then (CVE-2026-43434).
pub struct Handle<P: Platform, M> {
    raw: P::Handle,
    kind: PhantomData<fn(M) -> M>,
}

/// The handle, from a VMA of this kind.
pub(crate) fn handle<P: Platform, M>(raw: P::Handle) -> Handle<P, M> {
    Handle { raw, kind: PhantomData }
}

impl<P: Platform, M: Mapping> Handle<P, M> {
    /// Takes the mmap lock of the mapping's process for read, and finds the mapping.
    ///
    /// A lock that the driver's mmap or fault hook takes must not be held meanwhile: there the order is the other.
    ///
    /// # Errors
    /// ESRCH if the process has gone, EFAULT if the mapping has; EDEADLK where a platform notices a lock held that a
    /// hook takes.
    pub fn lock<'u>(&self, unlocked: &'u mut UnlockedCtx<'_, P>) -> Result<MappedCtx<'u, P, M>, Errno> {
        let _ = unlocked;
        P::lock_handle(&self.raw, true).map(mapped)
    }

    /// The same without waiting.
    ///
    /// # Errors
    /// EAGAIN where it would have to wait; else as [`lock`](Self::lock).
    pub fn try_lock<'u>(&self, unlocked: &'u mut UnlockedCtx<'_, P>) -> Result<MappedCtx<'u, P, M>, Errno> {
        let _ = unlocked;
        P::lock_handle(&self.raw, false).map(mapped)
    }

    /// Takes away what is mapped of `count` pages of the object from `first` on, if the mmap lock can be had without
    /// waiting: what a shrinker may do wherever it may sleep, for it needs no proof. The next touch faults.
    ///
    /// # Errors
    /// As [`try_lock`](Self::try_lock).
    pub fn try_zap(&self, first: PageOffset, count: PageCount, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let _ = may_sleep;
        let mapped: MappedCtx<'_, P, M> = P::lock_handle(&self.raw, false).map(mapped)?;
        mapped.zap(first, count);
        Ok(())
    }
}

/// An established mapping, with its process's mmap lock held for read: from [`Handle::lock`], or from
/// [`UnlockedCtx::find`]. Dropping it gives the lock back.
///
/// Locks: mmap lock, read, taken by it. May sleep. Insertion answers `Result<(), Errno>`. Nothing here answers a hook,
/// so operations take `&self`. Slots are named by their page offset in the object; where the mapping was cut or moved,
/// they are found all the same.
pub struct MappedCtx<'l, P: Platform, M> {
    vma: Held<P::MappedVma>,
    brand: Invariant<'l>,
    kind: PhantomData<fn(M) -> M>,
    thread: PhantomData<*mut MappedCtx<'static, P, M>>,
}

/// The token. Not an associated function of [`MappedCtx`], which rustc would suggest to whoever tries a literal.
pub(crate) fn mapped<'l, P: Platform, M>(vma: P::MappedVma) -> MappedCtx<'l, P, M> {
    MappedCtx { vma: Held(vma), brand: PhantomData, kind: PhantomData, thread: PhantomData }
}

/// The lock is given back by the platform's value. This says that the borrow of the `UnlockedCtx` lasts as long.
impl<P: Platform, M> Drop for MappedCtx<'_, P, M> {
    fn drop(&mut self) {}
}

impl<P: Platform, M> MappedCtx<'_, P, M> {
    /// The right to sleep, for as long as this context is borrowed.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        may_sleep()
    }

    /// The state of the mapping, if it is V's: whose mapping is this?
    #[must_use]
    pub fn state<V: VmOperations<Platform = P>>(&self) -> Option<&V> {
        P::mapped_state(&self.vma.0)
    }

    /// The page of the object that shows at an address, or `None` if another mapping is there, or nothing.
    #[must_use]
    pub fn pgoff_of(&self, address: UserAddr) -> Option<PageOffset> {
        P::mapped_pgoff(&self.vma.0, address)
    }

    /// The slots from this one on that lie together, as addresses.
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
    /// As [`insert_page`](Self::insert_page), and how many are in: those stay. What was not mapped is the rest, exactly.
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

/// What belongs to hooks.
#[doc(hidden)]
impl<P: Platform, M> MappedCtx<'_, P, M> {
    pub fn fail<R>(self, _errno: Errno) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn fail_or_refault<R>(self, _errno: Errno) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn finish<R>(self) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn fill_later<R>(self) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn prefault_page<R>(&self, _at: PageOffset, _page: &P::Page) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn prefault_pages<R>(&self, _at: PageOffset, _pages: &[P::Page]) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn allow<R>(self) -> R
    where
        Self: AnswersNothing,
    {
        Self::refused()
    }

    pub fn remap<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }

    pub fn remap_all<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }

    pub fn noncached<R>(self) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }

    pub fn write_combine<R>(self) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }

    pub fn decrypted<R>(self) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }

    pub fn read_only<R>(self) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }

    pub fn establish<V, R>(self, _state: V) -> R
    where
        Self: MakesTheMapping,
    {
        Self::refused()
    }
}

/// What a locked mapping has.
#[doc(hidden)]
impl<P: Platform, M> Handle<P, M> {
    pub fn insert_page<R>(&self, _at: PageOffset, _page: &P::Page) -> R
    where
        for<'x> &'x Self: HoldsAMapping,
    {
        <&Self>::refused()
    }

    pub fn insert_pfn<R>(&self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        for<'x> &'x Self: HoldsAMapping,
    {
        <&Self>::refused()
    }

    pub fn insert_mixed<R>(&self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        for<'x> &'x Self: HoldsAMapping,
    {
        <&Self>::refused()
    }

    pub fn zap<R>(&self, _first: PageOffset, _count: PageCount) -> R
    where
        for<'x> &'x Self: HoldsAMapping,
    {
        <&Self>::refused()
    }
}
