//! What does not exist in a context, and what to write instead.
//!
//! A method that a hook must not call is there all the same, hidden from the docs and bounded by a trait that nothing
//! implements: a missing method gets rustc's guess, a missing impl gets the trait's text. No such method can be called.
//! Each gives whatever type its caller expects, so that the call is one error and what is done with its result is none.
//! They stand at the end of the file of the type they belong to, or rustc would name this module in every message.

use crate::{Errno, Frame, InsertPagesError, Mapped, Platform, Prefault, VmFault, platform::FaultCode};

/// Bounds a mmap operation on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "mapping many pages belongs to the mmap hook, and this is a page fault",
    label = "a fault answers for one page",
    note = "here: `ctx.insert_page(&page)` inserts the page of `ctx.pgoff()` and answers the fault",
    note = "here, for its neighbours: `ctx.prefault_page(at, &page)` before that",
    note = "in `MmapFile::mmap`: `ctx.map_pages(&pages)`, `ctx.map_pages_zero(&pages)` or `ctx.insert_pages(&pages)?`"
)]
pub trait MapsManyAtMmap {
    fn refused<R>() -> R;
}

/// Bounds a range remap on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "remapping a range belongs to the mmap hook, and this is a page fault",
    label = "`remap_pfn_range` changes VMA flags, which needs the mmap lock held for write",
    note = "here: `ctx.insert_pfn(frame)` in a `PfnMap` mapping, `ctx.insert_mixed(frame)` in a `Mixed` one",
    note = "in `MmapFile::mmap`: `ctx.populate::<Remapped>()?.remap_all(frames)`"
)]
pub trait RemapsAtMmap {
    fn refused<R>() -> R;
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
    fn refused<R>() -> R;
}

/// Bounds the mmap hook's beginnings and ends on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "a mapping is established and finished by the mmap hook, and this is a page fault",
    label = "the mapping is already made",
    note = "answer the fault: `ctx.insert_page(&page)`, or `ctx.fail(errno)`",
    note = "in `MmapFile::mmap`: `ctx.establish(state)?`, `ctx.populate::<Mixed>()?`, `ctx.finish()`, `ctx.fill_later()`"
)]
pub trait MakesMappingAtMmap {
    fn refused<R>() -> R;
}

/// Bounds handing pages back on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "a page is handed back by a page fault, and this is the mmap hook",
    label = "nobody takes a page here",
    note = "here: `ctx.insert_page(&page)?` in a `Mixed` mapping, then `ctx.finish()`",
    note = "in `VmOperations::fault`: `ctx.deliver(page)`, or `ctx.deliver_locked(ctx.lock_page(&page))`"
)]
pub trait DeliversInFault {
    fn refused<R>() -> R;
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
    fn refused<R>() -> R;
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
    fn refused<R>() -> R;
}

/// Bounds the answers of a fault on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "this answers a page fault, and this is the mmap hook",
    label = "a mmap hook answers with `Result<Mapped, Errno>`",
    note = "to fail: `return Err(errno)`; the user's mmap call returns that errno",
    note = "to succeed: `ctx.finish()` if every slot is filled, `Ok(ctx.fill_later())` if faults fill the rest"
)]
pub trait AnswersFault {
    fn refused<R>() -> R;
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
    fn refused<R>() -> R;
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
    fn refused<R>() -> R;
}

/// Bounds everything but the retry on [`Released`].
#[diagnostic::on_unimplemented(
    message = "this fault has given up its lock, and the mapping may be gone: nothing can be inserted or failed any more",
    label = "only `retry()` is left",
    note = "answer with `released.retry()`: the access is repeated under the lock, and served then",
    note = "in the arm `Release::Keep(ctx)` the lock is still held: serve the fault there"
)]
pub trait HoldsItsLock {
    fn refused<R>() -> R;
}

/// Bounds conversions to a fault's answer, so that the attempt gets our text.
#[diagnostic::on_unimplemented(
    message = "nothing becomes a fault's answer by conversion: no errno, no `Result`, no code, no prefault",
    label = "only a token answers a fault",
    note = "the access cannot be served: `ctx.fail(errno)`",
    note = "if it may be interrupted or transient, and then repeated: `ctx.fail_or_refault(errno)`",
    note = "it can be served: `ctx.insert_page(&page)` and its relatives answer the fault"
)]
pub trait AnsweredByToken {
    fn refused<R>() -> R;
}

/// Bounds conversions from a fault's answer or a prefault to an errno, and looking for one in them.
///
/// Of a conversion it bounds a reference: a bound on one of the two types themselves gets std's text.
#[diagnostic::on_unimplemented(
    message = "there is no errno in a fault: neither its answer nor a prefault is a `Result`, or holds one",
    label = "no errno in here",
    note = "a `VmFault` is the fault's answer: return it; `answer.is_error()` and `answer.already_present()` say how it went",
    note = "a `Prefault` is a favour: look at it or not, and answer the fault",
    note = "in `MmapFile::mmap` an insertion gives `Result<_, Errno>`, and nothing has to be converted"
)]
pub trait HoldsAnErrno {
    fn refused<R>() -> R;
}

/// Bounds conversions from a number to a frame.
#[diagnostic::on_unimplemented(
    message = "a number is not a frame: nobody vouches for the memory behind it",
    label = "no `FrameSource` behind this",
    note = "ask what vouches for it, a `FrameSource` such as `P::Iomem`: `source.frame(at)`, `source.range(at, count)`",
    note = "memory of the driver's own has pages: `ctx.insert_page(&page)` in a `Mixed` mapping"
)]
pub trait VouchedFor {
    fn refused<R>() -> R;
}

// Conversions that do not exist, either: nothing meets their bounds.

#[doc(hidden)]
impl<'f> From<Errno> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: Errno) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f> From<InsertPagesError> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: InsertPagesError) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f> From<Prefault> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: Prefault) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f> From<FaultCode> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: FaultCode) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f> From<u32> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: u32) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f, T> From<Result<T, Errno>> for VmFault<'f>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: Result<T, Errno>) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'m> From<Mapped<'m>> for VmFault<'m>
where
    for<'x> &'x Self: AnsweredByToken,
{
    fn from(_: Mapped<'m>) -> Self {
        <&Self>::refused()
    }
}

#[doc(hidden)]
impl<'f> From<VmFault<'f>> for Errno
where
    for<'x> &'x VmFault<'f>: HoldsAnErrno,
{
    fn from(_: VmFault<'f>) -> Self {
        <&VmFault<'f>>::refused()
    }
}

#[doc(hidden)]
impl From<Prefault> for Errno
where
    for<'x> &'x Prefault: HoldsAnErrno,
{
    fn from(_: Prefault) -> Self {
        <&Prefault>::refused()
    }
}

#[doc(hidden)]
impl<'s, P: Platform> From<u64> for Frame<'s, P>
where
    for<'x> &'x Self: VouchedFor,
{
    fn from(_: u64) -> Self {
        <&Self>::refused()
    }
}
