//! Traits that nothing implements. A method that does not exist in a context is there all the same, hidden from the
//! docs and bounded by one of these, because a missing method gets rustc's guess and a missing impl gets our text.

/// Bounds a mmap operation on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "mapping many pages belongs to the mmap hook, and this is a page fault",
    label = "a fault answers for one page",
    note = "here: `ctx.insert_page(&page)` inserts the page of `ctx.pgoff()` and answers the fault",
    note = "here, for its neighbours: `ctx.prefault_page(at, &page)` before that",
    note = "in `MmapFile::mmap`: `ctx.map_pages(&pages)`, `ctx.map_pages_zero(&pages)` or `ctx.insert_pages(&pages)?`"
)]
pub trait MapsManyAtMmap {}

/// Bounds a range remap on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "remapping a range belongs to the mmap hook, and this is a page fault",
    label = "`remap_pfn_range` changes VMA flags, which needs the mmap lock held for write",
    note = "here: `ctx.insert_pfn(frame)` in a `PfnMap` mapping, `ctx.insert_mixed(frame)` in a `Mixed` one",
    note = "in `MmapFile::mmap`: `ctx.populate::<Remapped>()?.remap_all(frames)`"
)]
pub trait RemapsAtMmap {}

/// Bounds a change of VMA flags on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "VMA flags, protections and cache attributes belong to the mmap hook, and this is a page fault",
    label = "a fault holds its lock for read only",
    note = "in `MmapFile::mmap`, before the kind is chosen: `ctx.noncached()`, `ctx.dont_copy()`, `ctx.read_only()?` ...",
    note = "here, for one frame of a `PfnMap` mapping: `ctx.insert_pfn_prot(frame, prot)` with \
            `let prot = ctx.page_prot().noncached()`"
)]
pub trait ChangesVmaAtMmap {}

/// Bounds the mmap hook's beginnings and ends on [`FaultCtx`](crate::FaultCtx).
#[diagnostic::on_unimplemented(
    message = "a mapping is established and finished by the mmap hook, and this is a page fault",
    label = "the mapping is already made",
    note = "answer the fault: `ctx.insert_page(&page)`, or `ctx.fail(errno)`",
    note = "in `MmapFile::mmap`: `ctx.establish(state)?`, `ctx.populate::<Mixed>()?`, `ctx.finish()`, `ctx.fill_later()`"
)]
pub trait MakesMappingAtMmap {}

/// Bounds handing pages back on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "a page is handed back by a page fault, and this is the mmap hook",
    label = "nobody takes a page here",
    note = "here: `ctx.insert_page(&page)?` in a `Mixed` mapping, then `ctx.finish()`",
    note = "in `VmOperations::fault`: `ctx.deliver(page)`, or `ctx.deliver_locked(ctx.lock_page(&page))`"
)]
pub trait DeliversInFault {}

/// Bounds fault-around on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "prefaulting is a page fault's way to fill its neighbours, and this is the mmap hook",
    label = "no fault to prefault around",
    note = "here slots are filled in order: `ctx.insert_page(&page)?`, `ctx.insert_pages(&pages)?`, \
            `ctx.map_pages(&pages)`",
    note = "for frames: `ctx.insert_pfn(frame)?` in a `PfnMap` mapping, `ctx.insert_mixed(frame)?` in a `Mixed` one"
)]
pub trait PrefaultsInFault {}

/// Bounds insertions that decide one page table entry's protection on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "an entry with a protection of its own is a page fault's, and this is the mmap hook",
    label = "at mmap the whole mapping has one protection",
    note = "here: set it for the mapping before the kind is chosen (`ctx.noncached()`, `ctx.write_combine()`, \
            `ctx.read_only()?`), then `ctx.insert_pfn(frame)?` or `ctx.insert_mixed(frame)?`",
    note = "in `VmOperations::fault`: `ctx.insert_pfn_prot(frame, prot)`, `ctx.insert_mixed_mkwrite(frame)`"
)]
pub trait SettlesOnePte {}

/// Bounds the answers of a fault on [`MmapCtx`](crate::MmapCtx).
#[diagnostic::on_unimplemented(
    message = "this answers a page fault, and this is the mmap hook",
    label = "a mmap hook answers with `Result<Mapped, Errno>`",
    note = "to fail: `return Err(errno)`; the user's mmap call returns that errno",
    note = "to succeed: `ctx.finish()` if every slot is filled, `Ok(ctx.fill_later())` if faults fill the rest"
)]
pub trait AnswersFault {}

/// Bounds a conversion from an errno to a fault's answer, so that the attempt gets our text.
#[diagnostic::on_unimplemented(
    message = "an errno does not become a fault's answer by conversion",
    label = "a driver says what went wrong, never which VM_FAULT code",
    note = "the access cannot be served: `ctx.fail(errno)`",
    note = "if it may be interrupted or transient, and then repeated: `ctx.fail_or_refault(errno)`"
)]
pub trait AnsweredByToken {}
