//! The token of `huge_fault`.

use core::{marker::PhantomData, ops::Range};

use crate::{
    answer::VmFault,
    errno::Errno,
    fault_frame::FaultFrame,
    flags::FaultCode,
    frame::FrameRange,
    kind::MapsFrames,
    platform::Platform,
    sleep::MaySleep,
    token::{Held, Invariant},
    units::{HugeSize, PageCount, PageOffset, UserAddr},
    wait::{RefaultReason, Ticket, Waited},
};

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

use self::HugeFaultCtx as Token;
include!("common/fault_token.rs");
include!("common/sleeping_fault_token.rs");

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

include!("refused/huge.rs");
