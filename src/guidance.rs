//! What does not exist in a context, and what to write instead.
//!
//! A method that a hook must not call is there all the same, hidden from the docs and bounded by a trait of this
//! module, which nothing implements. So it cannot be called, and the attempt gets the trait's text: for a method that
//! is missing rustc would guess. Each such method gives whatever type its caller expects, so that the call is one
//! error, and what is done with its result is none.
//!
//! The same holds for operators that a type does not have, and for what is given to an operation in the place of
//! something else (`IsFrame`). C's constants and fields cannot be bounded: `c_names.rs` says what stands for them.
//!
//! These methods stand in `refused/`, a file for each module whose types they belong to, and the module includes that
//! file. A module of their own would be easier to find, but rustc writes an impl's module into its messages if it is
//! not the type's. What several tokens have in common stands in `common/` and is included as well, because messages
//! would quote a macro and say that the error originates in it. `cargo fmt` does not see included files: run
//! `rustfmt --edition 2024 src/common/*.rs src/refused/*.rs`.

/// Bounds a mmap operation on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "mapping many pages belongs to the mmap hook, and this is a page fault",
    label = "a fault answers for one page",
    note = "here: `ctx.insert_page(&page)` inserts the page of `ctx.pgoff()` and answers the fault",
    note = "here, for its neighbours: `ctx.prefault_page(at, &page)`, `ctx.prefault_pages(at, &pages)` before that",
    note = "in `MmapFile::mmap`: `ctx.fill_at_pgoff(&pages)`, `ctx.fill_from_first(&pages)` or `ctx.insert_pages(&pages)?`"
)]
pub trait MapsManyAtMmap {
    fn refused<R>() -> R;
}

/// Bounds a range remap on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "remapping a range belongs to the mmap hook, and this is a page fault",
    label = "`remap_pfn_range` changes VMA flags, which needs the mmap lock held for write",
    note = "here: `ctx.insert_pfn(frame)` in a `PfnMap` mapping, `ctx.insert_mixed(frame)` in a `Mixed` one",
    note = "in `MmapFile::mmap`: `ctx.without_faults::<Remapped>()?.remap_from_first(frames)`"
)]
pub trait RemapsAtMmap {
    fn refused<R>() -> R;
}

/// Bounds a change of VMA flags on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "VMA flags, protections and cache attributes belong to the mmap hook, and this is a page fault",
    label = "a fault holds its lock for read only",
    note = "in `MmapFile::mmap`, before the kind is chosen: `ctx.writable()`, `ctx.noncached()`, `ctx.dont_copy()` ...",
    note = "here, for one frame of a `PfnMap` mapping: `ctx.insert_pfn_prot(frame, prot)` with \
            `let prot = ctx.page_prot().noncached()`, or `.write_combine()`, `.decrypted()`"
)]
pub trait ChangesVmaAtMmap {
    fn refused<R>() -> R;
}

/// Bounds the mmap hook's beginnings and ends on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "a mapping is established and finished by the mmap hook, and this is a page fault",
    label = "the mapping is already made",
    note = "answer the fault: `ctx.insert_page(&page)`, or `ctx.fail(errno)`",
    note = "in `MmapFile::mmap`: `ctx.establish(state)?`, `ctx.without_faults::<Mixed>()?`, `ctx.finish()`, `ctx.fill_later()`"
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
            `ctx.fill_at_pgoff(&pages)`",
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
            `ctx.decrypted()`), then `ctx.insert_pfn(frame)?` or `ctx.insert_mixed(frame)?`",
    note = "in `VmOperations::fault`: `ctx.insert_pfn_prot(frame, prot)`, `ctx.insert_mixed_mkwrite(frame)`; for a \
            neighbour, `ctx.prefault_pfn_prot(at, frame, prot)`"
)]
pub trait SettlesOnePte {
    fn refused<R>() -> R;
}

/// Bounds a state that is made too early on [`PrepareCtx`](crate::PrepareCtx).
#[diagnostic::on_unimplemented(
    message = "a prepare hook makes no state: there is no mapping yet that could have one, and there may never be",
    label = "no state here",
    note = "the state is made when the mapping is there, and given back: `PrepareFile::mapped`, \
            `P::share(state, may_sleep)`",
    note = "here: say how it is filled, `ctx.by_faults()`, `ctx.fill_at_pgoff(&self.pages)` or \
            `ctx.remap_from_first(frames)`; the kind is that of `type Ops`",
    note = "a mapping without faults: `type Ops = WithoutFaults<P, Mixed>;`, of which `mapped` gives back a new one"
)]
pub trait MakesStateInMapped {
    fn refused<R>() -> R;
}

/// Bounds insertions on [`PrepareCtx`](crate::PrepareCtx).
#[diagnostic::on_unimplemented(
    message = "a prepare hook inserts nothing: it is asked before there is a mapping",
    label = "nowhere to insert it",
    note = "all of it at once, when the mapping is there: `ctx.fill_at_pgoff(&self.pages)` or `ctx.fill_from_first(..)` \
            for pages of the file's, `ctx.remap_from_first(frames)` or `ctx.remap_at_pgoff(frames)` for frames",
    note = "page by page, as they are touched: `ctx.by_faults()`, and insert it in `VmOperations::fault`",
    note = "one by one while it is made: that needs the VMA, so implement `MmapFile` instead"
)]
pub trait InsertsByAction {
    fn refused<R>() -> R;
}

/// Bounds a mmap hook's ends on [`PrepareCtx`](crate::PrepareCtx).
#[diagnostic::on_unimplemented(
    message = "a prepare hook finishes nothing: it says how the mapping is filled when it is there, and that is its success",
    label = "nothing is done yet that could be finished",
    note = "`ctx.by_faults()` for what a mmap hook says with `fill_later()`",
    note = "`ctx.fill_at_pgoff(&self.pages)` or `ctx.remap_from_first(frames)` for what it ends with `finish()`"
)]
pub trait EndsByAction {
    fn refused<R>() -> R;
}

/// Bounds handles on [`PrepareCtx`](crate::PrepareCtx) and [`Prepared`](crate::Prepared).
#[diagnostic::on_unimplemented(
    message = "there is no mapping yet to come back to, and a prepare hook keeps nothing",
    label = "nothing to make a handle of",
    note = "implement `PrepareFile::handle`, which is given the handle when the mapping has its state"
)]
pub trait HandleWhenMapped {
    fn refused<R>() -> R;
}

/// Bounds growth before the kind is known on [`PrepareCtx`](crate::PrepareCtx).
#[diagnostic::on_unimplemented(
    message = "only a `Mixed` mapping can be allowed to grow, and what kind this one is its action says first",
    label = "too early here",
    note = "after the action: `Ok(ctx.by_faults()?.may_expand())`",
    note = "without it no mapping grows, and nothing has to be forbidden"
)]
pub trait GrowsWhenDescribed {
    fn refused<R>() -> R;
}

/// Bounds a second action on [`Prepared`](crate::Prepared).
#[diagnostic::on_unimplemented(
    message = "a mapping is filled in one way, and this one's is said already",
    label = "one action for the whole mapping",
    note = "return the `Prepared`; leave one of the two calls out",
    note = "a part at once and the rest by faults: `ctx.by_faults()`, and the fault hook brings the neighbours, \
            `ctx.prefault_pages(at, &pages)`"
)]
pub trait FilledInOneWay {
    fn refused<R>() -> R;
}

/// Bounds what comes before the action on [`Prepared`](crate::Prepared).
#[diagnostic::on_unimplemented(
    message = "flags, cache attributes and refusals are settled before it is said how the mapping is filled",
    label = "too late here",
    note = "move this call above the action: `ctx.shared_only()?.writable().by_faults()`"
)]
pub trait SettledBeforeTheAction {
    fn refused<R>() -> R;
}

/// Bounds what answers a fault on [`PrepareCtx`](crate::PrepareCtx).
#[diagnostic::on_unimplemented(
    message = "this serves a page fault, and this is the prepare hook: there is no mapping yet, and none to wait for",
    label = "no fault here",
    note = "a mapping that is refused: `return Err(errno)`",
    note = "a mapping that faults fill: `ctx.by_faults()`, and this belongs in `VmOperations::fault`"
)]
pub trait ServesNoFault {
    fn refused<R>() -> R;
}

/// Bounds a description on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "that describes a mapping before there is one, and this is the mmap hook: the mapping is being made",
    label = "nothing to describe any more",
    note = "here: `ctx.establish(state)?.fill_later()` has faults fill it",
    note = "in `PrepareFile::mmap_prepare`: `ctx.by_faults()`"
)]
pub trait DescribesInPrepare {
    fn refused<R>() -> R;
}

/// Bounds a right that mmap has not given on [`PageProt`](crate::PageProt).
#[diagnostic::on_unimplemented(
    message = "a page gets the rights that mmap gave the mapping: they cannot be widened",
    label = "no right can be added",
    note = "where the mapping may be written, so may the page: `ctx.page_prot()` as it is; `prot.is_writable()` tells",
    note = "in `MmapFile::mmap`, before the kind is chosen: `ctx.writable()` lets users write",
    note = "to change the cache attribute: `prot.noncached()`, `prot.write_combine()`, `prot.write_back()`"
)]
pub trait WidenedAtMmap {
    fn refused<R>() -> R;
}

/// Bounds a right that one page was to lose on [`PageProt`](crate::PageProt).
#[diagnostic::on_unimplemented(
    message = "a single page cannot be made read-only: the next store, or mprotect, would make it writable again",
    label = "it would not stay read-only",
    note = "for the whole mapping: leave `ctx.writable()` out in `MmapFile::mmap`, and nobody can write to it, ever",
    note = "for some of its pages: register `Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite)`, which is asked before a page \
            is written, and answers `ctx.fail(Errno::EPERM)` or `ctx.allow()`",
    note = "or show them in a mapping of their own, at other page offsets of the file"
)]
pub trait NarrowedForOnePage {
    fn refused<R>() -> R;
}

/// Bounds the grant to write where it comes too late: on tokens of faults, on [`Mapped`](crate::Mapped) and on
/// [`EstablishedCtx`](crate::EstablishedCtx).
#[diagnostic::on_unimplemented(
    message = "who may write to a mapping is said by its mmap hook, before the kind is chosen",
    label = "too late here",
    note = "in `MmapFile::mmap`: `ctx.writable().establish(state)?`; without it a shared mapping cannot be written, ever",
    note = "whether a single store may happen: register `Hooks::NONE.page_mkwrite(..)` for pages, `pfn_mkwrite(..)` for \
            frames, which answer `ctx.allow()` or `ctx.fail(errno)`"
)]
pub trait GrantedAtMmap {
    fn refused<R>() -> R;
}

/// Bounds growth where it is decided already: on tokens of faults, on [`Mapped`](crate::Mapped) and on
/// [`EstablishedCtx`](crate::EstablishedCtx).
#[diagnostic::on_unimplemented(
    message = "whether a mapping may grow is said by its mmap hook, and this one is made already",
    label = "too late here",
    note = "in `MmapFile::mmap`: `ctx.establish(state)?.may_expand()`, in a `Mixed` mapping",
    note = "where that is not said, no mapping grows, and nothing has to be forbidden"
)]
pub trait GrowsAtMmap {
    fn refused<R>() -> R;
}

/// Bounds what a mapping has with its kind, on a [`MmapCtx`](crate::MmapCtx) that has none yet.
#[diagnostic::on_unimplemented(
    message = "nothing is inserted, and no mmap hook succeeds, before the kind of the mapping is chosen",
    label = "too early: this mapping is `{Self}`",
    note = "filled here: `ctx.without_faults::<Mixed>()?` for pages, `ctx.without_faults::<PfnMap>()?` for frames, \
            `ctx.without_faults::<Remapped>()?` for the whole range; then insert, then `ctx.finish()`",
    note = "filled by faults: `Ok(ctx.establish(state)?.fill_later())`, where the state's `VmOperations` has the kind, \
            `type Kind = Mixed;`"
)]
pub trait HasItsKind {
    fn refused<R>() -> R;
}

/// Bounds what is settled before the kind, on a [`MmapCtx`](crate::MmapCtx) whose kind is chosen.
#[diagnostic::on_unimplemented(
    message = "the kind of this mapping is already chosen: it is `{Self}`",
    label = "too late: this belongs before `establish` or `without_faults`",
    note = "flags, protections, cache attributes and refusals are settled first, then the kind, then the pages: move \
            this call above `ctx.establish(..)?` or `ctx.without_faults::<..>()?`, and choose the kind once"
)]
pub trait HasNoKindYet {
    fn refused<R>() -> R;
}

/// Bounds flags by their names on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "VMA flags are not set or cleared by hand: what each of them is for has a name",
    label = "no flag can be named",
    note = "VM_MAYWRITE is cleared unless users may write: `ctx.writable()`; VM_MAYREAD and VM_MAYEXEC: `ctx.no_read()?`, \
            `ctx.no_exec()?`",
    note = "VM_MIXEDMAP and VM_PFNMAP go by the kind; VM_DONTEXPAND is set with it, but for `may_expand()`",
    note = "VM_IO: `ctx.io()`; VM_DONTCOPY: `ctx.dont_copy()`; VM_DONTDUMP: `ctx.dont_dump()`"
)]
pub trait NamesAFlag {
    fn refused<R>() -> R;
}

/// Bounds what every mapping has anyway on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "no mapping grows, so there is nothing to forbid: VM_DONTEXPAND is set with the kind",
    label = "leave this call out",
    note = "a `Mixed` mapping that is to grow says so: `ctx.establish(state)?.may_expand()`, in a prepare hook \
            `ctx.by_faults()?.may_expand()`"
)]
pub trait ExpandsAnyway {
    fn refused<R>() -> R;
}

/// Bounds frames on [`EstablishedCtx`](crate::EstablishedCtx).
#[diagnostic::on_unimplemented(
    message = "a frame is inserted into an established mapping beside the state that it borrows from",
    label = "who keeps this frame for as long as users have it mapped?",
    note = "`established.with_state(|state: &State<P>, slots| slots.insert_pfn(at, state.memory.frame(at)?))`, where \
            `State<P>` is what the mapping was established with",
    note = "in a `Mixed` mapping: `slots.insert_mixed(at, frame)`; a page needs no state: `established.insert_page(at, &page)?`"
)]
pub trait BorrowsFromTheState {
    fn refused<R>() -> R;
}

/// Bounds pages on [`FrameSlots`](crate::FrameSlots).
#[diagnostic::on_unimplemented(
    message = "a page is counted, and is inserted without the state beside it",
    label = "this inserts frames",
    note = "`established.insert_page(at, &page)?`, `established.insert_pages(at, &pages)?`, outside `with_state` or in it"
)]
pub trait NeedsNoState {
    fn refused<R>() -> R;
}

/// Bounds a second reference to a page on [`UniquePage`](crate::UniquePage).
#[diagnostic::on_unimplemented(
    message = "a `UniquePage` is the only reference to its page, and this would be a second one",
    label = "one owner",
    note = "to map it or share it, give that up: `let page = unique.into_page();`",
    note = "its bytes are reached as it is: `unique.read(offset, &mut bytes)`, `unique.write(offset, &bytes)`"
)]
pub trait ReferredToTwice {
    fn refused<R>() -> R;
}

/// Bounds a page that is called the only reference to itself on [`UniquePage`](crate::UniquePage).
#[diagnostic::on_unimplemented(
    message = "whether nobody else has a page is for `claim` to find out: a user may have it mapped",
    label = "not known to be the only reference",
    note = "`UniquePage::claim(page)`; while somebody has it, that gives it back in `Err`: keep it there, and claim it later",
    note = "a fresh page: `UniquePage::alloc(&memory, may_sleep)?`"
)]
pub trait ClaimedUnseen {
    fn refused<R>() -> R;
}

/// Bounds a second owner of a part on [`IomemPart`](crate::IomemPart).
#[diagnostic::on_unimplemented(
    message = "an `IomemPart` has one owner, and this would be a second one",
    label = "one owner",
    note = "the state of a mapping owns its part: `ctx.establish(State(part))?`, and gives it back when it is dropped",
    note = "to share it, share the state: `let state = P::share(State(part), may_sleep)?`, then \
            `ctx.establish_shared(state.clone())?` for each mapping",
    note = "to give some of it away: `part.split_at(count)`"
)]
pub trait OwnedTwice {
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

/// Bounds answers by their code on [`FaultCtx`](crate::FaultCtx).
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

/// Bounds short ways to the address on [`FaultCtx`](crate::FaultCtx).
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

/// Bounds everything but the retry on [`Released`](crate::Released).
#[diagnostic::on_unimplemented(
    message = "this fault has given up its lock, and the mapping may be gone: nothing can be inserted or failed any more",
    label = "only `retry()` is left",
    note = "answer with `released.retry()`: the access is repeated under the lock, and served then",
    note = "in the arm `Release::Keep(ctx)` the lock is still held: serve the fault there"
)]
pub trait HoldsItsLock {
    fn refused<R>() -> R;
}

/// Bounds insertions on the tokens of [`page_mkwrite`](crate::PageMkwriteCtx) and `pfn_mkwrite`.
#[diagnostic::on_unimplemented(
    message = "the page is mapped already: this hook is asked whether it may be written",
    label = "nothing is missing, so nothing is inserted",
    note = "to let the store happen: `ctx.allow()`; to look at the page first, `let page = ctx.lock_page()`, then \
            `ctx.allow_locked(page)`",
    note = "to refuse it: `ctx.fail(errno)`",
    note = "what is missing is inserted by `VmOperations::fault`"
)]
pub trait InsertsInFault {
    fn refused<R>() -> R;
}

/// Bounds giving up the lock where only [`FaultCtx`](crate::FaultCtx) can.
#[diagnostic::on_unimplemented(
    message = "only the `fault` hook can give up its lock and have the fault retried",
    label = "the lock is held until this hook returns",
    note = "wait with the lock held: `let waited = ctx.wait(queue.ticket())`, then `ctx.refault(waited)`",
    note = "in `huge_fault`: `ctx.fallback()`, and `VmOperations::fault` can release"
)]
pub trait ReleasesInFault {
    fn refused<R>() -> R;
}

/// Bounds a large insertion of frames that were not asked for by the entry's range.
#[diagnostic::on_unimplemented(
    message = "a large entry is asked for by the range that it shows, which is no rounding of the offset that was touched",
    label = "these frames may be of another range",
    note = "`ctx.insert_huge_with(|_, entry| entry.of(&self.memory))`",
    note = "memory that can be taken back: `self.memory.resident(ctx.may_sleep()).insert_huge(ctx)`"
)]
pub trait KnowsItsRange {
    fn refused<R>() -> R;
}

/// Bounds insertions of one page on [`HugeFaultCtx`](crate::HugeFaultCtx).
#[diagnostic::on_unimplemented(
    message = "a huge fault is answered with one large entry, or not at all",
    label = "one page does not fill a large entry",
    note = "to fill it: `ctx.insert_huge_with(|_, entry| entry.of(&self.memory))`",
    note = "to map single pages: `ctx.fallback()`, and `VmOperations::fault` is asked"
)]
pub trait InsertsOnePage {
    fn refused<R>() -> R;
}

/// Bounds a protection of its own on [`HugeFaultCtx`](crate::HugeFaultCtx).
#[diagnostic::on_unimplemented(
    message = "a large entry has the mapping's protection",
    label = "no protection of its own",
    note = "in `MmapFile::mmap`, for the whole mapping, before the kind is chosen: `ctx.noncached()`, `ctx.write_combine()` ...",
    note = "for single pages: `ctx.fallback()`, and in `VmOperations::fault` `ctx.insert_pfn_prot(frame, prot)`"
)]
pub trait SettlesOneEntry {
    fn refused<R>() -> R;
}

/// Bounds what sleeps on [`MapPagesCtx`](crate::MapPagesCtx).
#[diagnostic::on_unimplemented(
    message = "`map_pages` runs under RCU and must not sleep, and this sleeps",
    label = "nothing may sleep here",
    note = "map what is at hand: `ctx.prefault_page(at, &page)`, then `ctx.finish()`",
    note = "what has to be waited for is left out: `VmOperations::fault` is called for it, and may sleep",
    note = "a lock of the platform's can be tried: `lock.try_read()`, `mutex.try_lock()`",
    note = "what the hook has to have goes behind a `P::SpinLock`, which is waited for without sleeping: `spin_lock.lock()`"
)]
pub trait SleepsInFault {
    fn refused<R>() -> R;
}

/// Bounds answering insertions on [`MapPagesCtx`](crate::MapPagesCtx).
#[diagnostic::on_unimplemented(
    message = "`map_pages` answers once, at its end, for all the slots that it has filled",
    label = "this would answer for one page",
    note = "fill slots, that of the fault among them: `ctx.prefault_page(at, &page)`, `ctx.prefault_mixed(at, frame)`",
    note = "then answer: `ctx.finish()`"
)]
pub trait AnswersAtTheEnd {
    fn refused<R>() -> R;
}

/// Bounds errors on [`MapPagesCtx`](crate::MapPagesCtx).
#[diagnostic::on_unimplemented(
    message = "`map_pages` is a favour, and cannot fail: what it leaves out the `fault` hook is asked for",
    label = "no error can be answered here",
    note = "leave the page out, and `ctx.finish()`; `VmOperations::fault` says `ctx.fail(errno)`"
)]
pub trait FailsInFault {
    fn refused<R>() -> R;
}

/// Bounds answers on [`EstablishedCtx`](crate::EstablishedCtx).
#[diagnostic::on_unimplemented(
    message = "this answers a hook, and here a mapping is reached from outside its hooks",
    label = "nobody waits for an answer",
    note = "here operations give `Result<(), Errno>`: `established.insert_page(at, &page)?`",
    note = "the mapping is made already; to take pages away again: `established.zap(first, count)`"
)]
pub trait AnswersNothing {
    fn refused<R>() -> R;
}

/// Bounds answers by their code on the tokens of [`page_mkwrite`](crate::PageMkwriteCtx) and `pfn_mkwrite`.
#[diagnostic::on_unimplemented(
    message = "a driver says whether a store may happen and what went wrong, never which VM_FAULT code",
    label = "no code can be named",
    note = "to let the store happen: `ctx.allow()`",
    note = "to refuse it: `ctx.fail(errno)` has the kernel's rule, from ENOMEM and everything else to OOM and SIGBUS",
    note = "to have it tried again: `ctx.fail_or_refault(errno)`, or `ctx.refault(waited)`"
)]
pub trait NamesACodeForAStore {
    fn refused<R>() -> R;
}

/// Bounds answers by their code on [`HugeFaultCtx`](crate::HugeFaultCtx).
#[diagnostic::on_unimplemented(
    message = "a driver fills a large entry, falls back, or says what went wrong, never which VM_FAULT code",
    label = "no code can be named",
    note = "to fail: `ctx.fail(errno)` has the kernel's rule, from ENOMEM, EHWPOISON and everything else to OOM, HWPOISON \
            and SIGBUS",
    note = "to leave it to smaller sizes: `ctx.fallback()`, and `VmOperations::fault` says in the end what is wrong"
)]
pub trait NamesACodeForAnEntry {
    fn refused<R>() -> R;
}

/// Bounds what needs a page on [`PfnMkwriteCtx`](crate::PfnMkwriteCtx).
#[diagnostic::on_unimplemented(
    message = "`pfn_mkwrite` is asked about a frame that was inserted by number: there is no page to lock or to look at",
    label = "no page here",
    note = "to let the store happen: `ctx.allow()`; what belongs there says `ctx.pgoff()`",
    note = "stores to pages are told to `page_mkwrite`: `Hooks::NONE.page_mkwrite(Self::page_mkwrite)`"
)]
pub trait HasAPage {
    fn refused<R>() -> R;
}

/// Bounds insertions of frames that are writable at once on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "a store has no insertion by number of its own: `pfn_mkwrite` is asked in the same fault",
    label = "insert it as for a load",
    note = "in a `PfnMap` mapping: `ctx.insert_pfn(frame)`; for a store `Hooks::pfn_mkwrite` is asked when this hook has \
            returned, and if it allows the store the entry is writable when the fault ends",
    note = "where no such hook is registered, what is inserted is as writable as the mapping",
    note = "in a `Mixed` mapping: `ctx.insert_mixed(frame)`, which is told in the same way; or \
            `ctx.insert_mixed_mkwrite(frame)`, where this hook has recorded the store itself"
)]
pub trait AsksPfnMkwrite {
    fn refused<R>() -> R;
}

/// Bounds the answers of `page_mkwrite` and `huge_fault` on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "this answers another hook, and this is `VmOperations::fault`, which is asked for what is missing",
    label = "not an answer to a missing page",
    note = "here: `ctx.insert_page(&page)` and its relatives, `ctx.deliver(page)`, or `ctx.fail(errno)`",
    note = "stores to what is there are told to `page_mkwrite` and `pfn_mkwrite`, which have `ctx.allow()`",
    note = "large entries are `huge_fault`'s, which has `ctx.insert_huge_with(|_, entry| ..)` and `ctx.fallback()`"
)]
pub trait AnswersAnotherHook {
    fn refused<R>() -> R;
}

/// Bounds reaching established mappings on tokens of hooks.
#[diagnostic::on_unimplemented(
    message = "an established mapping is reached only where no hook is running, and this is a hook",
    label = "the mmap lock is held here, and would be waited for in vain",
    note = "in an ioctl or when a device is removed: `unlocked.find::<V>(address)?`, or `handle.lock(unlocked)?`, with \
            the `UnlockedCtx` that is handed to it",
    note = "here: `ctx` stands for the mapping of this hook"
)]
pub trait RunsNoHook {
    fn refused<R>() -> R;
}

/// Bounds making handles on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "a mapping's handle is made by its own mmap hook, and this is a page fault",
    label = "too late for a handle",
    note = "in `MmapFile::mmap`: `let handle = ctx.handle()?;` after `ctx.establish(state)?`, and keep it in the file or \
            the device"
)]
pub trait MakesHandles {
    fn refused<R>() -> R;
}

/// Bounds operations of a mapping on [`UnlockedCtx`](crate::UnlockedCtx) and on [`Handle`](crate::Handle).
#[diagnostic::on_unimplemented(
    message = "no mapping is locked here: it may be gone, or another one be in its place",
    label = "needs a locked mapping",
    note = "with the handle that the mapping's mmap hook made: `let established = handle.lock(unlocked)?;`",
    note = "by an address that the user gave: `let established = unlocked.find::<V>(address)?;`",
    note = "then `established.insert_page(at, &page)?`, `established.zap(first, count)`"
)]
pub trait HoldsAMapping {
    fn refused<R>() -> R;
}

/// Bounds a mmap operation on [`EstablishedCtx`](crate::EstablishedCtx).
#[diagnostic::on_unimplemented(
    message = "flags, cache attributes and range remaps belong to the mmap hook, and this mapping is made already",
    label = "the mmap lock is held for read only",
    note = "here, page by page: `established.insert_page(at, &page)?`, `established.zap(first, count)`",
    note = "in `MmapFile::mmap`, before the kind is chosen: `ctx.writable()`, `ctx.noncached()` ..."
)]
pub trait MakesTheMapping {
    fn refused<R>() -> R;
}

/// Bounds C's way to unmap, on [`SharedObject`](crate::SharedObject).
#[diagnostic::on_unimplemented(
    message = "what is unmapped without a guard can be mapped again at once, by a fault that has looked before",
    label = "nothing keeps faults from inserting it again",
    note = "memory that is revoked, moves or is given up: keep it in a `Revocable`, `self.memory.revoke(may_sleep)`",
    note = "a page that is truncated or written back: `unlocked.lock_page(&page).unmap(&object, at)`",
    note = "only to see the next touches, or under a lock that faults hold until the page is in: \
            `object.unmap_once(first, count, may_sleep)`"
)]
pub trait GuardsItsMappings {
    fn refused<R>() -> R;
}

/// Bounds what needs a guard on [`Revocable`](crate::Revocable), and on the wrong one of its guards.
#[diagnostic::on_unimplemented(
    message = "memory that can be taken back is inserted only through a `Resident`, and changed only through a `Revoked`",
    label = "not held so that this could be done",
    note = "to insert it, in a fault: `self.memory.resident(ctx.may_sleep()).insert(ctx)`",
    note = "to take it back: `let mut revoked = self.memory.revoke(may_sleep);`, which unmaps it, then change what is \
            behind the guard: switch it off, or copy its bytes and name the new place. Drop the guard before inserting \
            it again",
    note = "a piece of a `Table`: `self.table.revoke_piece(piece, may_sleep, |piece| ..)`",
    note = "to look at it: `self.memory.resident(may_sleep)`"
)]
pub trait HoldsTheMemory {
    fn refused<R>() -> R;
}

/// Bounds insertions on [`AccessCtx`](crate::AccessCtx).
#[diagnostic::on_unimplemented(
    message = "nothing is inserted for a debugger: it asks for bytes, and the user's page tables stay as they are",
    label = "no slot to fill",
    note = "the frame that is mapped there: `ctx.copy_mapped()`",
    note = "a page of the driver's: `ctx.copy_page(&page)`; device memory: `ctx.copy_iomem(&memory, ctx.pgoff())`",
    note = "what users miss is inserted by `VmOperations::fault`"
)]
pub trait InsertsForTheUser {
    fn refused<R>() -> R;
}

/// Bounds answers of other hooks on [`AccessCtx`](crate::AccessCtx).
#[diagnostic::on_unimplemented(
    message = "a debugger's access is answered with what was copied, or with an errno",
    label = "not an answer to a debugger",
    note = "to serve it, a load or a store: `ctx.copy_mapped()`, `ctx.copy_page(&page)` or `ctx.copy_iomem(&memory, at)`",
    note = "to refuse it: `return Err(errno)`"
)]
pub trait AnswersWithACopy {
    fn refused<R>() -> R;
}

/// Bounds copying the wrong way on [`ReadInto`](crate::ReadInto) and [`WriteFrom`](crate::WriteFrom).
#[diagnostic::on_unimplemented(
    message = "the debugger asks for the other direction",
    label = "the bytes would go the wrong way",
    note = "it reads: `Direction::Read(into) => Ok(into.copy_from_slice(&bytes))`",
    note = "it stores: `Direction::Write(from) => Ok(from.copy_to_slice(&mut bytes))`"
)]
pub trait GoesTheOtherWay {
    fn refused<R>() -> R;
}

/// Bounds copying on the tokens of other hooks, and on [`EstablishedCtx`](crate::EstablishedCtx).
#[diagnostic::on_unimplemented(
    message = "bytes are copied for a debugger by the `access` hook, which is asked for them, and by nobody else",
    label = "no debugger here",
    note = "register it: `Hooks::NONE.access(Self::access)`; it is handed an `AccessCtx`, which has `ctx.copy_mapped()`",
    note = "a driver reaches its own memory without a mapping: `page.read(offset, &mut bytes)`, `memory.read(offset, &mut bytes)`"
)]
pub trait CopiesForADebugger {
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

/// Bounds what is added to a [`PageOffset`](crate::PageOffset), or multiplies, shifts or divides it.
#[diagnostic::on_unimplemented(
    message = "a page offset is no number to calculate with: a user has chosen it, and the result may not exist",
    label = "page offsets have no such operator",
    note = "some pages further on: `offset.checked_add(PageCount::new(1))`, which gives an `Option`",
    note = "all pages of a range: `for at in PageRange::new(first, end)`, or `for at in ctx.pgoff_range()`",
    note = "what stands for it in a slice: `offset.of(&pages)`; as a number: `offset.index()`"
)]
pub trait AddedToAnOffset {
    /// What the operator would give. Nothing, so that what is done with it is no second error.
    type Output;

    fn refused<R>() -> R;
}

/// Bounds what is subtracted from a [`PageOffset`](crate::PageOffset).
#[diagnostic::on_unimplemented(
    message = "nothing is subtracted from a page offset with `-`: a user has chosen it, and it may be the smaller one",
    label = "page offsets have no such operator",
    note = "how far one lies behind another: `offset.checked_since(first)`, which gives an `Option<PageCount>`",
    note = "`ctx.pgoff()` counts from the start of the object, and the start of the mapping is in it already",
    note = "as a number: `offset.index()`"
)]
pub trait TakenFromAnOffset {
    /// What the operator would give. Nothing, so that what is done with it is no second error.
    type Output;

    fn refused<R>() -> R;
}

/// Bounds what a [`PageOffset`](crate::PageOffset) is compared with, beside another one.
#[diagnostic::on_unimplemented(
    message = "a page offset is compared with a page offset, and this is a `{Self}`",
    label = "not a page offset",
    note = "whether the object has such a page: `offset.of(&pages)`, which gives an `Option`",
    note = "with a number: `offset.index() < number`, or `offset < PageOffset::new(number)`",
    note = "with the end of a range: `range.contains(offset)`"
)]
pub trait ComparedWithAnOffset {
    fn refused<R>() -> R;
}

/// Bounds what is added to a [`PageCount`](crate::PageCount), subtracted from it, or multiplies, shifts or divides it.
#[diagnostic::on_unimplemented(
    message = "a count of pages is made a number before anything is calculated with it",
    label = "counts of pages have no such operator",
    note = "the number: `count.get()`, and a count again: `PageCount::new(number)`",
    note = "the bytes: `count.get() * P::PAGE_SIZE`, or better `checked_mul`, because a user has chosen the count",
    note = "the page offset behind so many pages: `offset.checked_add(count)`"
)]
pub trait AddedToACount {
    /// What the operator would give. Nothing, so that what is done with it is no second error.
    type Output;

    fn refused<R>() -> R;
}

/// Bounds what a [`PageCount`](crate::PageCount) is compared with, beside another one and a plain number.
#[diagnostic::on_unimplemented(
    message = "a count of pages is compared with a count or a `usize`, and this is a `{Self}`",
    label = "not a number of pages",
    note = "with the length of a slice: `ctx.page_count() > pages.len()`; with any number: `count.get()`",
    note = "how many pages lie before a page offset says `offset.index()`; a part of an object: `range.page_count()`"
)]
pub trait ComparedWithACount {
    fn refused<R>() -> R;
}

/// Bounds arithmetic on a [`UserAddr`](crate::UserAddr).
#[diagnostic::on_unimplemented(
    message = "nothing is calculated from a user's address: which page it is, the context knows",
    label = "user addresses have no such operator",
    note = "the page of the object: `ctx.pgoff()`, which counts from the start of the object; in a slice: \
            `ctx.pgoff().of(&pages)`",
    note = "how many pages the mapping has, in `MmapFile::mmap`: `ctx.page_count()`",
    note = "for hardware with page sizes of its own, as a number: `address.get()`"
)]
pub trait AddedToAnAddress {
    /// What the operator would give. Nothing, so that what is done with it is no second error.
    type Output;

    fn refused<R>() -> R;
}

/// Bounds codes that are added to an answer, taken out of it, or compared with it, on [`VmFault`](crate::VmFault).
#[diagnostic::on_unimplemented(
    message = "a fault's answer is no number: no code is added to it, taken out of it, or compared with it",
    label = "answers have no such operator",
    note = "whether it is an error: `answer.is_error()`; whether another thread was faster: `answer.already_present()`",
    note = "VM_FAULT_MAJOR: `ctx.account_major()`, before the fault is answered",
    note = "VM_FAULT_LOCKED: `ctx.deliver_locked(page)`; any error: `ctx.fail(errno)`"
)]
pub trait ACodeOfAnAnswer {
    /// What the operator would give. Nothing, so that what is done with it is no second error.
    type Output;

    fn refused<R>() -> R;
}

/// Bounds C's names for what inserts pages, on all tokens.
#[diagnostic::on_unimplemented(
    message = "C's insertions of pages take a VMA and an address: here the context knows both, and they are called otherwise",
    label = "called `insert_page` here",
    note = "in a fault: `ctx.insert_page(&page)`, and that is its answer; beside it: `ctx.prefault_page(at, &page)`",
    note = "in `MmapFile::mmap`: `ctx = ctx.insert_page(&page)?;`, many at once: `ctx.insert_pages(&pages)?`, \
            `ctx.fill_at_pgoff(&pages)`",
    note = "outside hooks: `established.insert_page(at, &page)?`"
)]
pub trait InsertsPageAsInC {
    fn refused<R>() -> R;
}

/// Bounds C's names for what inserts frames, on all tokens.
#[diagnostic::on_unimplemented(
    message = "C's insertions of frames take a VMA, an address and a number: here the context knows where, and a `Frame` \
               says whose memory it is",
    label = "called `insert_pfn` or `insert_mixed` here",
    note = "in a `PfnMap` mapping: `ctx.insert_pfn(frame)` with `source.frame(at)`, or \
            `ctx.insert_pfn_with(|at| source.frame(at.pgoff()).ok_or(Errno::ENXIO))`",
    note = "cached in its own way: `ctx.insert_pfn_prot(frame, prot)`; beside a fault: `ctx.prefault_pfn(at, frame)`",
    note = "in a `Mixed` mapping: `ctx.insert_mixed(frame)`, or `ctx.insert_mixed_mkwrite(frame)`",
    note = "a large entry: `ctx.insert_huge_with(|_, entry| entry.of(&self.memory))` in `huge_fault`"
)]
pub trait InsertsFrameAsInC {
    fn refused<R>() -> R;
}

/// Bounds C's names for what remaps a range, on all tokens.
#[diagnostic::on_unimplemented(
    message = "C's remaps take a VMA, an address and a number: here they take frames, and belong to the mmap hook",
    label = "called `remap` here",
    note = "in `MmapFile::mmap`, of the whole VMA: `ctx.without_faults::<Remapped>()?.remap_from_first(frames)`, or \
            `.remap_at_pgoff(frames)`, which begins at the page offset of the mapping",
    note = "of a part: `ctx.remap(frames)?` in a `PfnMap` mapping",
    note = "in a fault, one frame: `ctx.insert_pfn(frame)` in a `PfnMap` mapping"
)]
pub trait RemapsAsInC {
    fn refused<R>() -> R;
}

/// Bounds what takes pages away on tokens of hooks, and C's names for it on all tokens.
#[diagnostic::on_unimplemented(
    message = "a mapping's hook takes nothing away from it: others may be touching it, and would fault it in again",
    label = "taken away outside hooks, and called otherwise",
    note = "from an ioctl: `handle.lock(unlocked)?.zap(first, count)`; from a shrinker: `handle.try_zap(first, count, may_sleep)?`",
    note = "of all mappings of an object: `object.unmap_once(first, count, may_sleep)`",
    note = "memory that is revoked or moves is kept in a `Revocable`, and unmapped by `self.memory.revoke(may_sleep)`"
)]
pub trait ZapsAsInC {
    fn refused<R>() -> R;
}

/// Bounds the VMA and what is in it in C, on all tokens.
#[diagnostic::on_unimplemented(
    message = "there is no VMA to be had: the context stands for it, and has what can be done with it",
    label = "no VMA here",
    note = "its state, which C keeps in `vm_private_data`, and its hooks, `vm_ops`: `ctx.establish(state)?` in \
            `MmapFile::mmap`, with `VmOperations` for the state's type, whose hooks have it as `self`",
    note = "its protection, in `MmapFile::mmap`, before the kind is chosen: `ctx.noncached()`, `ctx.write_combine()`; of one \
            frame in a fault: `ctx.page_prot()`",
    note = "how long it is, in `MmapFile::mmap`: `ctx.page_count()`; which page is meant: `ctx.pgoff()`"
)]
pub trait StandsForItsVma {
    fn refused<R>() -> R;
}

/// Bounds flags that are read, on all tokens.
#[diagnostic::on_unimplemented(
    message = "what a user asks for has a name each: there are no flags to test",
    label = "no flags here",
    note = "in a fault: `ctx.is_write()`, `ctx.is_shared()`, `ctx.is_cow()`, `ctx.is_user()`",
    note = "in `MmapFile::mmap`: `ctx.is_readable()`, `ctx.is_writable()`, `ctx.is_executable()`, `ctx.is_shared()`"
)]
pub trait AskedByName {
    fn refused<R>() -> R;
}

/// Bounds addresses on the tokens of hooks that make a mapping.
#[diagnostic::on_unimplemented(
    message = "a mmap hook needs no address: how long the mapping is and where its pages go, the context knows",
    label = "no address here",
    note = "how many pages it has: `ctx.page_count()`; from which page of the object on: `ctx.pgoff()`",
    note = "what is inserted goes into the next slot: `ctx = ctx.insert_page(&page)?;`, until `ctx.is_full()`"
)]
pub trait MadeWithoutAnAddress {
    fn refused<R>() -> R;
}

/// Bounds C's functions for an errno in a fault, and for an answer as an errno.
#[diagnostic::on_unimplemented(
    message = "no function makes an answer of an errno, or an errno of an answer: the token answers",
    label = "not converted",
    note = "in a fault: `ctx.fail(errno)`; if it may be interrupted or transient: `ctx.fail_or_refault(errno)`",
    note = "in `MmapFile::mmap` insertions give an errno to begin with: `ctx = ctx.insert_page(&page)?;`"
)]
pub trait ConvertedAsInC {
    fn refused<R>() -> R;
}

/// Bounds the hooks of moves and of changed rights on [`Hooks`](crate::Hooks).
#[diagnostic::on_unimplemented(
    message = "no hook is asked before a mapping is moved or its rights are changed: what may become of it the mmap hook says",
    label = "there is no such hook",
    note = "a right that no mprotect is to add, in `MmapFile::mmap`: `ctx.read_only()?`, `ctx.no_exec()?`; storing to a \
            shared mapping is refused unless it says `ctx.writable()`",
    note = "growing is refused unless it says `ctx.may_expand()`, and a cut by `Hooks::NONE.may_split(Self::may_split)`",
    note = "a mapping that has moved is found by its `Handle`, `handle.lock(unlocked)?`, or where it is now: \
            `unlocked.find::<State>(address)?`"
)]
pub trait AskedWhenChanged {}

/// Bounds the fault hook on [`Hooks`](crate::Hooks).
#[diagnostic::on_unimplemented(
    message = "the fault hook is not registered: it is the method of `VmOperations`",
    label = "only optional hooks are registered",
    note = "in `impl VmOperations`: `fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f>`",
    note = "a state that leaves it out has a fault hook that answers each touch with a SIGBUS"
)]
pub trait RegistersItsFaults {}
