//! The token of `huge_fault`.

use core::marker::PhantomData;

use crate::{
    answer::VmFault,
    errno::{Errno, IntoErrno},
    fault_frame::FaultFrame,
    flags::FaultCode,
    frame::FrameRange,
    kind::MapsFrames,
    platform::Platform,
    sleep::MaySleep,
    token::{Held, Invariant},
    units::{HugeSize, PageCount, PageOffset, PageRange, UserAddr},
    wait::{RefaultReason, Ticket, Waited},
};

/// The token of `huge_fault`: nothing is mapped around the fault yet, and one large entry could map all of it.
///
/// Locks: mmap lock or VMA lock, read. May sleep. The answer is [`insert_huge_with`](Self::insert_huge_with) or
/// [`fallback`](Self::fallback). After a fallback the hook is asked for the smaller size, and in the end `fault` is.
///
/// Registered with [`Hooks::huge_fault`](crate::Hooks::huge_fault).
#[must_use = "a fault must be answered: `ctx.insert_huge_with(|_, entry| ..)`, or `ctx.fallback()`"]
pub struct HugeFaultCtx<'f, P: Platform, M> {
    frame: Held<&'f FaultFrame<'f, P>>,
    brand: Invariant<'f>,
    kind: PhantomData<fn(M) -> M>,
    thread: PhantomData<*mut HugeFaultCtx<'static, P, M>>,
}

// What this token has in common with those of other hooks.
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

    /// The part of the object that the entry would show. `None` if the entry does not lie inside the mapping.
    pub(crate) fn entry_range(&self) -> Option<PageRange> {
        let start = self.entry_start()?;
        let vma = P::fault_vma_range(self.fault());
        let skipped = PageCount::new((start - vma.start) >> P::PAGE_SHIFT);
        let first = self.frame.0.first_pgoff().checked_add(skipped)?;
        Some(PageRange::new(first, first.checked_add(self.page_count())?))
    }

    /// Asks for the frames of the entry's range, and fills the entry with them (`vmf_insert_pfn_pmd`,
    /// `vmf_insert_pfn_pud`). No reference is taken. If an entry is there already, that is a success.
    ///
    /// `find` is given the part of the object that the entry would show. An entry is aligned in the address space, so
    /// the part can begin anywhere in the object, and rounding the offset that was touched gives another one
    /// (CVE-2024-50022 device-dax). That the frames are of this part only the driver knows.
    ///
    /// It falls back, and is asked for single pages in the end, if `find` gives none, if the frames are not as many as
    /// the part has pages, if the first is not aligned to that number, or if the entry does not lie inside the mapping;
    /// then `find` is not called. It also falls back for a store that has to make a private copy or that
    /// [`pfn_mkwrite`](crate::Hooks::pfn_mkwrite) has to be told of.
    ///
    /// ```
    /// use vmctx::{FrameSource, HugeFaultCtx, PfnMap, Platform, VmFault};
    ///
    /// fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    ///     ctx.insert_huge_with(|_, entry| bar.range(entry.start, entry.page_count()))
    /// }
    /// ```
    #[track_caller]
    pub fn insert_huge_with(self, find: impl FnOnce(&Self, PageRange) -> Option<FrameRange<'f, P>>) -> VmFault<'f>
    where
        M: MapsFrames,
    {
        match self.entry_range().and_then(|entry| find(&self, entry)) {
            Some(frames) => self.fill(frames),
            None => self.fallback(),
        }
    }

    /// Fills the entry with frames that somebody keeps there who can [take them back](crate::Resident).
    #[track_caller]
    pub(crate) fn fill(self, frames: FrameRange<'_, P>) -> VmFault<'f> {
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
        // More than can be counted lies in no mapping.
        let bytes = self.page_count().get().checked_mul(P::PAGE_SIZE)?;
        let vma = P::fault_vma_range(self.fault());
        let start = P::fault_address(self.fault()) & !(bytes - 1);
        (start >= vma.start && start.checked_add(bytes)? <= vma.end).then_some(start)
    }
}

// What it refuses, with what to write instead.
include!("refused/huge.rs");
