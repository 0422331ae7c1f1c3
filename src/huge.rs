//! The token of `huge_fault`.

use core::marker::PhantomData;

use crate::{
    answer::VmFault,
    errno::{Errno, IntoErrno},
    fault_frame::FaultFrame,
    flags::FaultCode,
    frame::{FrameRange, FrameSource},
    kind::MapsFrames,
    platform::Platform,
    sleep::MaySleep,
    token::{Held, Invariant, OneThread},
    units::{HugeSize, PageCount, PageOffset, PageRange, UserAddr},
    wait::{RefaultReason, Ticket, Waited},
};

/// The token of `huge_fault`: nothing is mapped around the fault yet, and one large entry could map all of it.
///
/// Locks: mmap lock or VMA lock, read. May sleep. The answer is [`insert_huge_with`](Self::insert_huge_with) or
/// [`fallback`](Self::fallback). After a fallback the hook is asked for the smaller size, and in the end `fault` is.
///
/// Registered with [`Hooks::huge_fault`](crate::Hooks::huge_fault).
///
/// ```
/// use vmctx::{HugeFaultCtx, PfnMap, Platform, VmFault};
///
/// /// What does not fit is left to the `fault` hook.
/// fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, memory: &'f P::Iomem) -> VmFault<'f> {
///     ctx.insert_huge_with(|_, entry| entry.of(memory))
/// }
/// ```
#[diagnostic::on_move(
    message = "this fault's token is spent: it answers once, and nothing can be asked of it afterwards",
    label = "one token, and one answer",
    note = "ask before the answer: `let count = ctx.page_count();`",
    note = "or in its closure, which may give no frames: `ctx.insert_huge_with(|ctx, entry| ..)`"
)]
#[must_use = "a fault must be answered: `ctx.insert_huge_with(|_, entry| ..)`, or `ctx.fallback()`"]
pub struct HugeFaultCtx<'f, P: Platform, M> {
    frame: Held<&'f FaultFrame<'f, P>>,
    brand: Invariant<'f>,
    kind: PhantomData<fn(M) -> M>,
    _thread: OneThread,
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
    /// `find` is given the entry, which picks the frames of its own range out of what the driver has:
    /// [`HugeEntry::of`], [`HugeEntry::in_extent`].
    ///
    /// It falls back, and is asked for single pages in the end, if `find` gives none, if the first frame is not aligned
    /// to the size of the entry, or if the entry does not lie inside the mapping; then `find` is not called. It also
    /// falls back for a store that has to make a private copy or that [`pfn_mkwrite`](crate::Hooks::pfn_mkwrite) has to
    /// be told of.
    ///
    /// ```
    /// use vmctx::{HugeFaultCtx, PfnMap, Platform, VmFault};
    ///
    /// fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    ///     ctx.insert_huge_with(|_, entry| entry.of(bar))
    /// }
    /// ```
    #[doc(alias("vmf_insert_pfn_pmd", "vmf_insert_pfn_pud"))]
    #[track_caller]
    pub fn insert_huge_with<F: FillsEntry<'f, Platform = P>>(
        self,
        find: impl FnOnce(&Self, HugeEntry<'f>) -> Option<F>,
    ) -> VmFault<'f>
    where
        M: MapsFrames,
    {
        let found = self.entry_range().and_then(|range| find(&self, HugeEntry { range, brand: PhantomData }));
        match found {
            Some(picked) => self.fill(picked.frames()),
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
    #[doc(alias = "VM_FAULT_FALLBACK")]
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

/// A large entry that could be made, given to the closure of [`HugeFaultCtx::insert_huge_with`].
///
/// An entry is aligned in the address space, so the part of the object that it shows can begin anywhere in the object.
/// To round the offset that was touched gives another part (CVE-2024-50022 device-dax). So it is the entry that picks the
/// frames of its part.
///
/// ```
/// use vmctx::{Errno, HugeFaultCtx, PfnMap, Platform, VmFault};
///
/// /// The entry names the pages that it would show; the memory says whether they lie in a row.
/// fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, memory: &'f P::Iomem) -> VmFault<'f> {
///     ctx.insert_huge_with(|_, entry| entry.of(memory))
/// }
/// ```
#[derive(Clone, Copy)]
pub struct HugeEntry<'f> {
    range: PageRange,
    brand: Invariant<'f>,
}

impl<'f> HugeEntry<'f> {
    /// The part of the object that it would show.
    #[must_use]
    pub const fn range(&self) -> PageRange {
        self.range
    }

    /// Its frames of the object, which is all of `source`. `None` if it does not lie inside.
    pub fn of<S: FrameSource>(&self, source: &'f S) -> Option<HugeFrames<'f, S::Platform>> {
        self.in_extent(PageOffset::ZERO, source.range(PageOffset::ZERO, source.count())?)
    }

    /// Its frames of an extent: `frames` are the object's from `first` on, wherever else the rest of the object lies.
    /// `None` if the entry does not lie inside.
    ///
    /// That these frames are the object's there, only the driver knows.
    #[must_use]
    pub fn in_extent<P: Platform>(&self, first: PageOffset, frames: FrameRange<'f, P>) -> Option<HugeFrames<'f, P>> {
        let skip = self.range.start.checked_since(first)?;
        Some(HugeFrames { frames: frames.part(skip, self.range.page_count())?, brand: PhantomData })
    }
}

/// The frames of one large entry, which it has picked itself: [`HugeEntry::of`], [`HugeEntry::in_extent`].
///
/// ```
/// use vmctx::{FrameRange, HugeEntry, HugeFrames, PageOffset, Platform};
///
/// /// The entry looks for its frames in each extent of a file. If it reaches over the end of one, there are none.
/// fn find<'s, P: Platform>(
///     entry: HugeEntry<'s>,
///     extents: &[(PageOffset, FrameRange<'s, P>)],
/// ) -> Option<HugeFrames<'s, P>> {
///     extents.iter().find_map(|(first, frames)| entry.in_extent(*first, *frames))
/// }
/// ```
pub struct HugeFrames<'f, P: Platform> {
    frames: FrameRange<'f, P>,
    brand: Invariant<'f>,
}

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "a large entry picks the frames of its own range, and this is `{Self}`",
        label = "these may be the frames of another range",
        note = "`ctx.insert_huge_with(|_, entry| entry.of(&self.memory))`, if the object is all of that memory",
        note = "`entry.in_extent(first, frames)`, if the frames are the object's from page `first` on"
    )]
    pub trait PickedByAnEntry {}
}

#[diagnostic::do_not_recommend]
impl<P: Platform> sealed::PickedByAnEntry for HugeFrames<'_, P> {}

/// What fills a large entry: [`HugeFrames`]. Sealed.
///
/// ```
/// use vmctx::{FrameRange, HugeFaultCtx, PageOffset, PfnMap, Platform, VmFault};
///
/// /// The frames are the object's from page `first` on.
/// fn huge_fault<'f, P: Platform>(
///     ctx: HugeFaultCtx<'f, P, PfnMap>,
///     first: PageOffset,
///     frames: FrameRange<'f, P>,
/// ) -> VmFault<'f> {
///     ctx.insert_huge_with(|_, entry| entry.in_extent(first, frames))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a large entry picks the frames of its own range, and this is `{Self}`",
    label = "these may be the frames of another range",
    note = "`ctx.insert_huge_with(|_, entry| entry.of(&self.memory))`, if the object is all of that memory",
    note = "`entry.in_extent(first, frames)`, if the frames are the object's from page `first` on"
)]
pub trait FillsEntry<'f>: sealed::PickedByAnEntry {
    /// The platform.
    type Platform: Platform;

    #[doc(hidden)]
    fn frames(self) -> FrameRange<'f, Self::Platform>;
}

#[diagnostic::do_not_recommend]
impl<'f, P: Platform> FillsEntry<'f> for HugeFrames<'f, P> {
    type Platform = P;

    fn frames(self) -> FrameRange<'f, P> {
        self.frames
    }
}

// What it refuses, with what to write instead.
include!("refused/huge.rs");

// What it has in C under another name.
include!("common/c_names.rs");
