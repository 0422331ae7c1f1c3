//! The token of `huge_fault`.

use core::{marker::PhantomData, ops::Range};

use crate::{
    Errno, Frame, FrameRange, MaySleep, PageCount, PageOffset, PageProt, Platform, Ticket, UserAddr, VmFault,
    fault::{FaultFrame, fault_token, sleeping_fault_token},
    guidance::{InsertsOnePage, NamesACodeForAnEntry, ReleasesInFault},
    kind::MapsFrames,
    platform::{FaultCode, FaultFlags, VmFlags},
    sleep::may_sleep,
    token::{Held, Invariant},
    wait::{RefaultReason, Waited, waited},
};

/// How large an entry a huge fault can fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HugeSize {
    /// An entry of the level above the lowest: 2 MiB on x86-64 with pages of 4 KiB.
    Pmd,
    /// An entry of the next level: 1 GiB.
    Pud,
}

impl HugeSize {
    /// How many pages such an entry maps, with pages of 2^`page_shift` bytes and entries of 8 bytes.
    #[must_use]
    pub const fn page_count(self, page_shift: u32) -> PageCount {
        let per_table = page_shift - 3;
        PageCount::new(match self {
            Self::Pmd => 1 << per_table,
            Self::Pud => 1 << (2 * per_table),
        })
    }
}

/// The token of `huge_fault`: nothing is mapped around the fault, and one large entry may fill it all.
///
/// Locks: mmap lock or VMA lock, read. May sleep. The answer is [`insert_huge`](Self::insert_huge), or
/// [`fallback`](Self::fallback), and then the smaller sizes and last the `fault` hook are asked.
///
/// Registered with [`Hooks::huge_fault`](crate::Hooks::huge_fault).
#[must_use = "a fault must be answered: `ctx.insert_huge(frames)`, or `ctx.fallback()`"]
pub struct HugeFaultCtx<'f, P: Platform, M> {
    frame: Held<&'f FaultFrame<'f, P>>,
    brand: Invariant<'f>,
    kind: PhantomData<fn(M) -> M>,
    thread: PhantomData<*mut HugeFaultCtx<'static, P, M>>,
}

fault_token!(HugeFaultCtx, huge_fault);
sleeping_fault_token!(HugeFaultCtx);

/// Answering.
impl<'f, P: Platform, M> HugeFaultCtx<'f, P, M> {
    /// How large an entry is asked for.
    #[must_use]
    pub fn size(&self) -> HugeSize {
        self.frame.0.huge
    }

    /// How many pages that is.
    #[must_use]
    pub fn page_count(&self) -> PageCount {
        self.size().page_count(P::PAGE_SHIFT)
    }

    /// The part of the object that the entry would show: aligned in the address space, wherever that is in the object.
    /// `None` if it is not all inside the mapping; a [fallback](Self::fallback) is then the answer.
    #[must_use]
    pub fn entry_range(&self) -> Option<Range<PageOffset>> {
        let start = self.entry_start()?;
        let vma = P::fault_vma_range(self.fault());
        let skipped = PageCount::new((start - vma.start) >> P::PAGE_SHIFT);
        let first = P::fault_vma_pgoff(self.fault()).checked_add(skipped)?;
        Some(first..first.checked_add(self.page_count())?)
    }

    /// Fills the entry with `frames` (`vmf_insert_pfn_pmd`, `vmf_insert_pfn_pud`). No reference is taken. An entry that
    /// is there already is a success.
    ///
    /// It falls back if the frames are not as many as [`page_count`](Self::page_count), if the first is not aligned to
    /// that, if the entry is not all inside the mapping, and for a store that is to make a private copy or to be told to
    /// [`pfn_mkwrite`](crate::Hooks::pfn_mkwrite).
    pub fn insert_huge(self, frames: FrameRange<'_, P>) -> VmFault<'f>
    where
        M: MapsFrames,
    {
        let count = self.page_count();
        // A store must not reach the object through a private mapping, nor unseen by a hook that is told of stores.
        if self.is_write() && (self.is_cow() || self.frame.0.told_of_stores) {
            return self.fallback();
        }
        let aligned = u64::try_from(count.get()).is_ok_and(|pages| frames.first().pfn() % pages == 0);
        match self.entry_start() {
            Some(start) if aligned && frames.count() == count => {
                let code = P::vmf_insert_pfn_huge(self.fault(), start, frames);
                self.answer(code)
            }
            _ => self.fallback(),
        }
    }

    /// No large entry here: a smaller size is asked for, in the end the `fault` hook (`VM_FAULT_FALLBACK`).
    pub fn fallback(self) -> VmFault<'f> {
        self.answer(FaultCode::FALLBACK)
    }

    /// The address where the entry begins, if the whole of it is inside the mapping.
    fn entry_start(&self) -> Option<usize> {
        let bytes = self.page_count().get() << P::PAGE_SHIFT;
        let vma = P::fault_vma_range(self.fault());
        let start = P::fault_address(self.fault()) & !(bytes - 1);
        (start >= vma.start && start.checked_add(bytes)? <= vma.end).then_some(start)
    }
}

/// What a fault of one page has.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> HugeFaultCtx<'f, P, M> {
    pub fn insert_page<R>(self, _page: &P::Page) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_pfn<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_mixed<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn release<R>(self) -> R
    where
        Self: ReleasesInFault,
    {
        Self::refused()
    }

    pub fn insert_zero_page<R>(self) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_pfn_prot<R>(self, _frame: Frame<'_, P>, _prot: PageProt) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn insert_mixed_mkwrite<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn prefault_page<R>(&mut self, _at: PageOffset, _page: &P::Page) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn prefault_pages<R>(&mut self, _at: PageOffset, _pages: &[P::Page]) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn prefault_pfn<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn prefault_pfn_prot<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>, _prot: PageProt) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn prefault_mixed<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: InsertsOnePage,
    {
        Self::refused()
    }

    pub fn sigbus<R>(self) -> R
    where
        Self: NamesACodeForAnEntry,
    {
        Self::refused()
    }
}
