//! What does not exist in a context, and what to write instead.
//!
//! A method that a hook must not call is there all the same, hidden from the docs and bounded by a trait that nothing
//! implements: a missing method gets rustc's guess, a missing impl gets the trait's text. No such method can be called.
//! Each gives whatever type its caller expects, so that the call is one error and what is done with its result is none.

#![expect(clippy::must_use_candidate, reason = "none of these can be called")]

use crate::{
    Errno, FaultCtx, Frame, FrameRange, InsertPagesError, LockedPage, MmapCtx, PageOffset, PageProt, Platform,
    Prefault, Released, Ticket, VmFault, platform::FaultCode,
};

/// Bounds a mmap operation on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "mapping many pages belongs to the mmap hook, and this is a page fault",
    label = "a fault answers for one page",
    note = "here: `ctx.insert_page(&page)` inserts the page of `ctx.pgoff()` and answers the fault",
    note = "here, for its neighbours: `ctx.prefault_page(at, &page)` before that",
    note = "in `MmapFile::mmap`: `ctx.map_pages(&pages)`, `ctx.map_pages_zero(&pages)` or `ctx.insert_pages(&pages)?`"
)]
pub trait MapsManyAtMmap {
    fn never<R>() -> R;
}

/// Bounds a range remap on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "remapping a range belongs to the mmap hook, and this is a page fault",
    label = "`remap_pfn_range` changes VMA flags, which needs the mmap lock held for write",
    note = "here: `ctx.insert_pfn(frame)` in a `PfnMap` mapping, `ctx.insert_mixed(frame)` in a `Mixed` one",
    note = "in `MmapFile::mmap`: `ctx.populate::<Remapped>()?.remap_all(frames)`"
)]
pub trait RemapsAtMmap {
    fn never<R>() -> R;
}

/// Bounds a change of VMA flags on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "VMA flags, protections and cache attributes belong to the mmap hook, and this is a page fault",
    label = "a fault holds its lock for read only",
    note = "in `MmapFile::mmap`, before the kind is chosen: `ctx.noncached()`, `ctx.dont_copy()`, `ctx.read_only()?` ...",
    note = "here, for one frame of a `PfnMap` mapping: `ctx.insert_pfn_prot(frame, prot)` with \
            `let prot = ctx.page_prot().noncached()`"
)]
pub trait ChangesVmaAtMmap {
    fn never<R>() -> R;
}

/// Bounds the mmap hook's beginnings and ends on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "a mapping is established and finished by the mmap hook, and this is a page fault",
    label = "the mapping is already made",
    note = "answer the fault: `ctx.insert_page(&page)`, or `ctx.fail(errno)`",
    note = "in `MmapFile::mmap`: `ctx.establish(state)?`, `ctx.populate::<Mixed>()?`, `ctx.finish()`, `ctx.fill_later()`"
)]
pub trait MakesMappingAtMmap {
    fn never<R>() -> R;
}

/// Bounds handing pages back on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "a page is handed back by a page fault, and this is the mmap hook",
    label = "nobody takes a page here",
    note = "here: `ctx.insert_page(&page)?` in a `Mixed` mapping, then `ctx.finish()`",
    note = "in `VmOperations::fault`: `ctx.deliver(page)`, or `ctx.deliver_locked(ctx.lock_page(&page))`"
)]
pub trait DeliversInFault {
    fn never<R>() -> R;
}

/// Bounds fault-around on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "prefaulting is a page fault's way to fill its neighbours, and this is the mmap hook",
    label = "no fault to prefault around",
    note = "here slots are filled in order: `ctx.insert_page(&page)?`, `ctx.insert_pages(&pages)?`, \
            `ctx.map_pages(&pages)`",
    note = "for frames: `ctx.insert_pfn(frame)?` in a `PfnMap` mapping, `ctx.insert_mixed(frame)?` in a `Mixed` one"
)]
pub trait PrefaultsInFault {
    fn never<R>() -> R;
}

/// Bounds insertions that decide one page table entry's protection on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "an entry with a protection of its own is a page fault's, and this is the mmap hook",
    label = "at mmap the whole mapping has one protection",
    note = "here: set it for the mapping before the kind is chosen (`ctx.noncached()`, `ctx.write_combine()`, \
            `ctx.read_only()?`), then `ctx.insert_pfn(frame)?` or `ctx.insert_mixed(frame)?`",
    note = "in `VmOperations::fault`: `ctx.insert_pfn_prot(frame, prot)`, `ctx.insert_mixed_mkwrite(frame)`"
)]
pub trait SettlesOnePte {
    fn never<R>() -> R;
}

/// Bounds the answers of a fault on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "this answers a page fault, and this is the mmap hook",
    label = "a mmap hook answers with `Result<Mapped, Errno>`",
    note = "to fail: `return Err(errno)`; the user's mmap call returns that errno",
    note = "to succeed: `ctx.finish()` if every slot is filled, `Ok(ctx.fill_later())` if faults fill the rest"
)]
pub trait AnswersFault {
    fn never<R>() -> R;
}

/// Bounds answers by their code on [`FaultCtx`].
#[diagnostic::on_unimplemented(
    message = "a driver says what went wrong, never which VM_FAULT code",
    label = "no code can be named",
    note = "OOM, SIGBUS and HWPOISON: `ctx.fail(errno)` has the kernel's rule, from ENOMEM, EHWPOISON and everything else",
    note = "NOPAGE: an insertion answers it, and so do `ctx.fail_or_refault(errno)` and `ctx.refault(waited)`",
    note = "RETRY: `ctx.release()` gives up the lock, then `released.retry()`"
)]
pub trait NamesACode {
    fn never<R>() -> R;
}

/// Bounds short ways to the address on [`FaultCtx`].
#[diagnostic::on_unimplemented(
    message = "a fault hook needs no address: where the page goes, the context knows",
    label = "which page is missing says `ctx.pgoff()`",
    note = "to find the page: `pages.get(ctx.pgoff().index())`, or `source.frame(ctx.pgoff())`",
    note = "to insert it: `ctx.insert_page(&page)`, at the fault; `ctx.prefault_page(at, &page)`, at another page offset",
    note = "for messages and for hardware with page sizes of its own: `ctx.user_address_for_odd_page_sizes()`"
)]
pub trait NeedsAnAddress {
    fn never<R>() -> R;
}

/// Bounds everything but the retry on [`Released`].
#[diagnostic::on_unimplemented(
    message = "this fault has given up its lock, and the mapping may be gone: nothing can be inserted or failed any more",
    label = "only `retry()` is left",
    note = "answer with `released.retry()`: the access is repeated under the lock, and served then",
    note = "in the arm `Release::Keep(ctx)` the lock is still held: serve the fault there"
)]
pub trait HoldsItsLock {
    fn never<R>() -> R;
}

/// Bounds conversions to a fault's answer, so that the attempt gets our text.
#[diagnostic::on_unimplemented(
    message = "nothing becomes a fault's answer by conversion: no errno, no code, no prefault",
    label = "only a token answers a fault",
    note = "the access cannot be served: `ctx.fail(errno)`",
    note = "if it may be interrupted or transient, and then repeated: `ctx.fail_or_refault(errno)`",
    note = "it can be served: `ctx.insert_page(&page)` and its relatives answer the fault"
)]
pub trait AnsweredByToken {
    fn never<R>() -> R;
}

/// Bounds conversions from a fault's answer or a prefault to an errno, and looking for one in them.
#[diagnostic::on_unimplemented(
    message = "a fault has no errno: `{Self}` is no `Result`, and holds none",
    label = "no errno in here",
    note = "a `VmFault` is the fault's answer: return it; `answer.is_error()` and `answer.already_present()` say how it went",
    note = "a `Prefault` is a favour: look at it or not, and answer the fault",
    note = "in `MmapFile::mmap` an insertion gives `Result<_, Errno>`, and nothing has to be converted"
)]
pub trait HoldsAnErrno {
    fn never<R>() -> R;
}

/// Bounds conversions from a number to a frame.
#[diagnostic::on_unimplemented(
    message = "a number is not a frame: nobody vouches for the memory behind it",
    label = "no `FrameSource` behind this",
    note = "ask what vouches for it, a `FrameSource` such as `P::Iomem`: `source.frame(at)`, `source.range(at, count)`",
    note = "memory of the driver's own has pages: `ctx.insert_page(&page)` in a `Mixed` mapping"
)]
pub trait VouchedFor {
    fn never<R>() -> R;
}

/// What a mmap hook has and a fault has not.
#[doc(hidden)]
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    pub fn map_pages<R>(self, _pages: &[P::Page]) -> R
    where
        Self: MapsManyAtMmap,
    {
        Self::never()
    }

    pub fn map_pages_zero<R>(self, _pages: &[P::Page]) -> R
    where
        Self: MapsManyAtMmap,
    {
        Self::never()
    }

    pub fn insert_pages<R>(self, _pages: &[P::Page]) -> R
    where
        Self: MapsManyAtMmap,
    {
        Self::never()
    }

    pub fn remap<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: RemapsAtMmap,
    {
        Self::never()
    }

    pub fn remap_all<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: RemapsAtMmap,
    {
        Self::never()
    }

    pub fn iomap_memory<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: RemapsAtMmap,
    {
        Self::never()
    }

    pub fn read_only<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::never()
    }

    pub fn no_exec<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::never()
    }

    pub fn shared_only<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::never()
    }

    pub fn dont_copy(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::never()
    }

    pub fn dont_expand(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::never()
    }

    pub fn dont_dump(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::never()
    }

    pub fn io(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::never()
    }

    pub fn noncached(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::never()
    }

    pub fn write_combine(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::never()
    }

    pub fn establish<V, R>(self, _state: V) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::never()
    }

    pub fn establish_shared<V, R>(self, _state: V) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::never()
    }

    pub fn populate<K>(self) -> Result<FaultCtx<'f, P, K>, Errno>
    where
        Self: MakesMappingAtMmap,
    {
        Self::never()
    }

    pub fn finish<R>(self) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::never()
    }

    pub fn fill_later<R>(self) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::never()
    }
}

/// What a fault has in C, and needs not or must not have here.
#[doc(hidden)]
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    pub fn sigbus<R>(self) -> R
    where
        Self: NamesACode,
    {
        Self::never()
    }

    pub fn oom<R>(self) -> R
    where
        Self: NamesACode,
    {
        Self::never()
    }

    pub fn nopage<R>(self) -> R
    where
        Self: NamesACode,
    {
        Self::never()
    }

    pub fn retry<R>(self) -> R
    where
        Self: NamesACode,
    {
        Self::never()
    }

    pub fn address<R>(&self) -> R
    where
        Self: NeedsAnAddress,
    {
        Self::never()
    }
}

/// What a fault has while it holds its lock.
#[doc(hidden)]
impl<'f, P: Platform, M> Released<'f, P, M> {
    pub fn insert_page<R>(self, _page: &P::Page) -> R
    where
        Self: HoldsItsLock,
    {
        Self::never()
    }

    pub fn insert_pfn<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: HoldsItsLock,
    {
        Self::never()
    }

    pub fn insert_mixed<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: HoldsItsLock,
    {
        Self::never()
    }

    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: HoldsItsLock,
    {
        Self::never()
    }

    pub fn fail<R>(self, _errno: Errno) -> R
    where
        Self: HoldsItsLock,
    {
        Self::never()
    }

    pub fn fail_or_refault<R>(self, _errno: Errno) -> R
    where
        Self: HoldsItsLock,
    {
        Self::never()
    }
}

/// What a fault has and a mmap hook has not.
#[doc(hidden)]
impl<'m, P: Platform, M> MmapCtx<'m, P, M> {
    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: DeliversInFault,
    {
        Self::never()
    }

    pub fn deliver_locked<R>(self, _page: LockedPage<'_, P>) -> R
    where
        Self: DeliversInFault,
    {
        Self::never()
    }

    pub fn lock_page<R>(&self, _page: &P::Page) -> R
    where
        Self: DeliversInFault,
    {
        Self::never()
    }

    pub fn prefault_page<R>(&mut self, _at: PageOffset, _page: &P::Page) -> R
    where
        Self: PrefaultsInFault,
    {
        Self::never()
    }

    pub fn prefault_pfn<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: PrefaultsInFault,
    {
        Self::never()
    }

    pub fn prefault_mixed<R>(&mut self, _at: PageOffset, _frame: Frame<'_, P>) -> R
    where
        Self: PrefaultsInFault,
    {
        Self::never()
    }

    pub fn insert_pfn_prot<R>(self, _frame: Frame<'_, P>, _prot: PageProt) -> R
    where
        Self: SettlesOnePte,
    {
        Self::never()
    }

    pub fn insert_mixed_mkwrite<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: SettlesOnePte,
    {
        Self::never()
    }

    pub fn fail<R>(self, _errno: Errno) -> R
    where
        Self: AnswersFault,
    {
        Self::never()
    }

    pub fn fail_or_refault<R>(self, _errno: Errno) -> R
    where
        Self: AnswersFault,
    {
        Self::never()
    }

    pub fn wait<R>(&self, _queue: &P::WaitQueue, _since: Ticket) -> R
    where
        Self: AnswersFault,
    {
        Self::never()
    }

    pub fn refault<E, R>(self, _evidence: E) -> R
    where
        Self: AnswersFault,
    {
        Self::never()
    }

    pub fn release<R>(self) -> R
    where
        Self: AnswersFault,
    {
        Self::never()
    }

    pub fn retry<R>(self) -> R
    where
        Self: AnswersFault,
    {
        Self::never()
    }
}

/// What a `Result` has, and what C converts.
#[doc(hidden)]
impl<'f> VmFault<'f> {
    pub fn from<E>(_: E) -> Self
    where
        Self: AnsweredByToken,
    {
        Self::never()
    }

    pub fn from_errno(_errno: Errno) -> Self
    where
        Self: AnsweredByToken,
    {
        Self::never()
    }

    pub fn errno<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::never()
    }

    pub fn is_ok<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::never()
    }

    pub fn ok<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::never()
    }

    pub fn unwrap<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::never()
    }

    pub fn expect<R>(self, _message: &str) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::never()
    }

    pub fn map_err<O, R>(self, _op: O) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::never()
    }
}

/// Ways from a number.
#[doc(hidden)]
impl<'s, P: Platform> Frame<'s, P> {
    pub fn new<N>(_pfn: N) -> Self
    where
        Self: VouchedFor,
    {
        Self::never()
    }

    pub fn from<N>(_pfn: N) -> Self
    where
        Self: VouchedFor,
    {
        Self::never()
    }
}

// Conversions that do not exist, either: nothing meets their bounds.

#[doc(hidden)]
impl<'f> From<Errno> for VmFault<'f>
where
    Self: AnsweredByToken,
{
    fn from(_: Errno) -> Self {
        <Self as AnsweredByToken>::never()
    }
}

#[doc(hidden)]
impl<'f> From<InsertPagesError> for VmFault<'f>
where
    Self: AnsweredByToken,
{
    fn from(_: InsertPagesError) -> Self {
        <Self as AnsweredByToken>::never()
    }
}

#[doc(hidden)]
impl<'f> From<Prefault> for VmFault<'f>
where
    Self: AnsweredByToken,
{
    fn from(_: Prefault) -> Self {
        <Self as AnsweredByToken>::never()
    }
}

#[doc(hidden)]
impl<'f> From<FaultCode> for VmFault<'f>
where
    Self: AnsweredByToken,
{
    fn from(_: FaultCode) -> Self {
        <Self as AnsweredByToken>::never()
    }
}

#[doc(hidden)]
impl<'f> From<u32> for VmFault<'f>
where
    Self: AnsweredByToken,
{
    fn from(_: u32) -> Self {
        <Self as AnsweredByToken>::never()
    }
}

#[doc(hidden)]
impl<'f> From<VmFault<'f>> for Errno
where
    VmFault<'f>: HoldsAnErrno,
{
    fn from(_: VmFault<'f>) -> Self {
        VmFault::never()
    }
}

#[doc(hidden)]
impl From<Prefault> for Errno
where
    for<'x> Prefault: HoldsAnErrno,
{
    fn from(_: Prefault) -> Self {
        Prefault::never()
    }
}

#[doc(hidden)]
impl<'s, P: Platform> From<u64> for Frame<'s, P>
where
    Self: VouchedFor,
{
    fn from(_: u64) -> Self {
        <Self as VouchedFor>::never()
    }
}
