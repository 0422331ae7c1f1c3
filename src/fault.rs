//! The fault hook's token.

use core::{borrow::Borrow, marker::PhantomData};

use crate::{
    answer::VmFault,
    errno::{Errno, IntoErrno},
    fault_frame::FaultFrame,
    flags::{FaultCode, FaultFlags},
    frame::{Frame, IsFrame},
    kind::{DeliversPages, HoldsFrames, HoldsMixed, HoldsPages},
    page_lock::LockedPage,
    platform::Platform,
    prefault::Prefault,
    prot::PageProt,
    sleep::MaySleep,
    token::{Held, Invariant, OneThread},
    units::{PageCount, PageOffset, PageRange, UserAddr},
    wait::{RefaultReason, Ticket, Waited},
};

/// The token of the fault hook: the proof that a fault is being served, and the only thing that can answer it.
///
/// Locks: mmap lock or VMA lock, read. May sleep. Insertion answers [`VmFault`].
///
/// Every operation that answers takes the token by value, and the hook must return an answer, so that a fault is
/// answered exactly once ([G5](crate::guide::guarantees#g5)). These insertions take no address: what is inserted goes
/// where the fault was ([G10](crate::guide::guarantees#g10)). [`pgoff`](Self::pgoff) says which page that is.
///
/// An errno never becomes an answer by itself. [`fail`](Self::fail) and [`fail_or_refault`](Self::fail_or_refault)
/// spend the token on one, by the kernel's own rules.
///
/// Not `Clone`, `Send` or `Sync`, and it cannot outlive the hook.
///
/// ```
/// use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};
///
/// /// Brings the neighbour as well, if the driver has it.
/// fn fault<'f, P: Platform>(mut ctx: FaultCtx<'f, P, Mixed>, pages: &[P::Page]) -> VmFault<'f> {
///     let at = ctx.pgoff();
///     let Some(page) = at.of(pages) else { return ctx.fail(Errno::ENXIO) };
///     ctx.prefault_pages(at, pages.get(at.index()..).unwrap_or_default());
///     ctx.insert_page(page)
/// }
/// ```
#[diagnostic::on_move(
    message = "this fault's token is spent: it answers once, and nothing can be asked of it afterwards",
    label = "one token, and one answer",
    note = "ask before the answer: `let write = ctx.is_write();`",
    note = "or in the closure of what answers: `ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))`",
    note = "one answer or another: `match found { Ok(page) => ctx.insert_page(&page), Err(errno) => ctx.fail(errno) }`"
)]
#[doc(alias = "vm_fault")]
#[must_use = "a fault must be answered: insert something, or `ctx.fail(errno)`"]
pub struct FaultCtx<'f, P: Platform, M> {
    frame: Held<&'f FaultFrame<'f, P>>,
    brand: Invariant<'f>,
    kind: PhantomData<fn(M) -> M>,
    _thread: OneThread,
}

// What this token has in common with those of other hooks.
use self::FaultCtx as Token;
include!("common/fault_token.rs");
include!("common/sleeping_fault_token.rs");

/// What faulted.
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    /// Whether this is the second try of a fault, whose lock was given up in the first.
    #[doc(alias = "FAULT_FLAG_TRIED")]
    #[must_use]
    pub fn is_tried(&self) -> bool {
        self.fault_flags().contains(FaultFlags::TRIED)
    }

    /// The protection that the mapping gives to what is inserted. To insert a frame that is cached in another way,
    /// change its cache attribute and pass it to [`insert_pfn_prot`](Self::insert_pfn_prot).
    #[doc(alias = "vm_page_prot")]
    #[must_use]
    pub fn page_prot(&self) -> PageProt {
        P::fault_page_prot(self.fault())
    }

    fn fault_flags(&self) -> FaultFlags {
        P::fault_flags(self.fault())
    }
}

/// Answering.
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    /// Inserts a page where the fault was (`vmf_insert_page`). The mapping takes a reference of its own.
    ///
    /// If a page is in place already, that is a success ([`VmFault::already_present`]). Without memory for a page table
    /// the answer is OOM, for a page that may not be mapped SIGBUS.
    #[doc(alias("vmf_insert_page", "vm_insert_page"))]
    #[track_caller]
    pub fn insert_page(
        self, // this answers the fault: ask `ctx` before, or in `ctx.insert_page_with(|ctx| ..)`
        page: &P::Page,
    ) -> VmFault<'f>
    where
        M: HoldsPages,
    {
        let code = P::vmf_insert_page(self.fault(), self.frame.0.page_address(), page);
        self.answer(code)
    }

    /// Looks a page up and inserts it where the fault was: one of the driver's, or a fresh one. If there is none, the
    /// errno says why, and is answered as by [`fail_or_refault`](Self::fail_or_refault).
    ///
    /// ```
    /// # use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault, VmOperations};
    /// # struct Buffer<P: Platform> { pages: Vec<P::Page> }
    /// # impl<P: Platform> VmOperations for Buffer<P> {
    /// #     type Platform = P;
    /// #     type Kind = Mixed;
    /// fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ///     ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    /// }
    /// # }
    /// ```
    #[track_caller]
    pub fn insert_page_with<B: Borrow<P::Page>>(
        self, // this answers the fault: ask `ctx` before, or in here
        find: impl FnOnce(&Self) -> Result<B, Errno>,
    ) -> VmFault<'f>
    where
        M: HoldsPages,
    {
        match find(&self) {
            Ok(page) => self.insert_page(page.borrow()),
            Err(errno) => self.fail_or_refault(errno),
        }
    }

    /// Inserts the zero page where the fault was. It is SIGBUS in a shared mapping that is writable or may become so,
    /// unless [`pfn_mkwrite`](crate::Hooks::pfn_mkwrite) is registered and the mapping is [`io`](crate::MmapCtx::io).
    #[doc(alias = "my_zero_pfn")]
    #[track_caller]
    pub fn insert_zero_page(self) -> VmFault<'f>
    where
        M: HoldsPages,
    {
        let code = P::vmf_insert_zero_page(self.fault(), self.frame.0.page_address());
        self.answer(code)
    }

    /// Inserts a frame by number where the fault was (`vmf_insert_pfn`). No reference is taken: the frame borrows from
    /// the mapping's state, which lives until nobody has the mapping any more ([G21](crate::guide::guarantees#g21)).
    ///
    /// There is no `insert_pfn_mkwrite`, because none is needed: where stores are told, and this fault is one,
    /// [`pfn_mkwrite`](crate::Hooks::pfn_mkwrite) is asked when this hook has returned, in the same fault.
    #[doc(alias("vmf_insert_pfn", "vmf_insert_pfn_mkwrite"))]
    #[track_caller]
    pub fn insert_pfn(
        self, // this answers the fault: ask `ctx` before, or in `ctx.insert_pfn_with(|ctx| ..)`
        frame: impl IsFrame<'f, P>,
    ) -> VmFault<'f>
    where
        M: HoldsFrames,
    {
        let code = P::vmf_insert_pfn(self.fault(), self.frame.0.page_address(), frame.into_frame().pfn(), None);
        self.answer(code)
    }

    /// Looks a frame up and inserts it by number, as [`insert_page_with`](Self::insert_page_with) does with a page.
    #[track_caller]
    pub fn insert_pfn_with(self, find: impl FnOnce(&Self) -> Result<Frame<'f, P>, Errno>) -> VmFault<'f>
    where
        M: HoldsFrames,
    {
        match find(&self) {
            Ok(frame) => self.insert_pfn(frame),
            Err(errno) => self.fail_or_refault(errno),
        }
    }

    /// The same with a protection of its own (`vmf_insert_pfn_prot`): the mapping's, cached in another way.
    #[doc(alias = "vmf_insert_pfn_prot")]
    #[track_caller]
    pub fn insert_pfn_prot(self, frame: impl IsFrame<'f, P>, prot: PageProt) -> VmFault<'f>
    where
        M: HoldsFrames,
    {
        let prot = prot.with_rights_of(self.page_prot());
        let code = P::vmf_insert_pfn(self.fault(), self.frame.0.page_address(), frame.into_frame().pfn(), Some(prot));
        self.answer(code)
    }

    /// Looks a frame up, and the protection it is to have, and inserts it by number.
    #[track_caller]
    pub fn insert_pfn_prot_with(
        self,
        find: impl FnOnce(&Self) -> Result<(Frame<'f, P>, PageProt), Errno>,
    ) -> VmFault<'f>
    where
        M: HoldsFrames,
    {
        match find(&self) {
            Ok((frame, prot)) => self.insert_pfn_prot(frame, prot),
            Err(errno) => self.fail_or_refault(errno),
        }
    }

    /// Inserts a frame where the fault was that may have a page behind it (`vmf_insert_mixed`). For such a page the
    /// mapping takes a reference.
    #[doc(alias = "vmf_insert_mixed")]
    #[track_caller]
    pub fn insert_mixed(
        self, // this answers the fault: ask `ctx` before, or in `ctx.insert_mixed_with(|ctx| ..)`
        frame: impl IsFrame<'f, P>,
    ) -> VmFault<'f>
    where
        M: HoldsMixed,
    {
        let code = P::vmf_insert_mixed(self.fault(), self.frame.0.page_address(), frame.into_frame().pfn(), false);
        self.answer(code)
    }

    /// Looks a frame up that may have a page behind it, and inserts it.
    #[track_caller]
    pub fn insert_mixed_with(self, find: impl FnOnce(&Self) -> Result<Frame<'f, P>, Errno>) -> VmFault<'f>
    where
        M: HoldsMixed,
    {
        match find(&self) {
            Ok(frame) => self.insert_mixed(frame),
            Err(errno) => self.fail_or_refault(errno),
        }
    }

    /// As [`insert_mixed`](Self::insert_mixed), and writable and dirty at once (`vmf_insert_mixed_mkwrite`). If this
    /// frame is in place already, it is made writable; another one is left alone.
    ///
    /// In a private mapping it does not become writable, and the store gets a copy. (Linux would let the store through
    /// to the object, and trusts the file system not to ask for it.)
    #[doc(alias = "vmf_insert_mixed_mkwrite")]
    #[track_caller]
    pub fn insert_mixed_mkwrite(self, frame: impl IsFrame<'f, P>) -> VmFault<'f>
    where
        M: HoldsMixed,
    {
        let code = P::vmf_insert_mixed(self.fault(), self.frame.0.page_address(), frame.into_frame().pfn(), true);
        self.answer(code)
    }

    /// Looks a frame up and inserts it, writable and dirty at once.
    #[track_caller]
    pub fn insert_mixed_mkwrite_with(self, find: impl FnOnce(&Self) -> Result<Frame<'f, P>, Errno>) -> VmFault<'f>
    where
        M: HoldsMixed,
    {
        match find(&self) {
            Ok(frame) => self.insert_mixed_mkwrite(frame),
            Err(errno) => self.fail_or_refault(errno),
        }
    }

    /// Hands a page, with its reference, to the core, which maps it or, for a store to a private mapping, copies it
    /// (what `nopage` did). For a store to a shared one [`page_mkwrite`](crate::Hooks::page_mkwrite) is asked first, if
    /// there is one.
    #[track_caller]
    pub fn deliver(
        self, // this answers the fault: ask `ctx` before, or in `ctx.deliver_with(|ctx| ..)`
        page: P::Page,
    ) -> VmFault<'f>
    where
        M: DeliversPages,
    {
        P::deliver(self.fault(), page);
        self.answer(FaultCode::NONE)
    }

    /// Looks a page up, or makes one, and hands it to the core.
    #[track_caller]
    pub fn deliver_with(self, find: impl FnOnce(&Self) -> Result<P::Page, Errno>) -> VmFault<'f>
    where
        M: DeliversPages,
    {
        match find(&self) {
            Ok(page) => self.deliver(page),
            Err(errno) => self.fail_or_refault(errno),
        }
    }

    /// Locks a page (`lock_page`), to look whether it still belongs to the object and then to
    /// [deliver](Self::deliver_locked) it. Sleeps while somebody else has it locked.
    #[track_caller]
    pub fn lock_page(&self, page: &P::Page) -> LockedPage<'f, P> {
        self.frame.0.lock_page(page)
    }

    /// Hands a locked page to the core (`VM_FAULT_LOCKED`), which unlocks it when it is mapped.
    #[doc(alias = "VM_FAULT_LOCKED")]
    #[track_caller]
    pub fn deliver_locked(self, page: LockedPage<'f, P>) -> VmFault<'f>
    where
        M: DeliversPages,
    {
        match page.into_locked() {
            Some(page) => {
                P::deliver(self.fault(), page);
                self.answer(FaultCode::LOCKED)
            }
            None => self.fail(Errno::EFAULT),
        }
    }

    /// Gives up the lock that the fault holds, if the fault allows it, so that others can change the mapping while this
    /// hook waits. The mapping's state stays alive until the hook has returned, even if the mapping is unmapped
    /// meanwhile.
    #[doc(alias("VM_FAULT_RETRY", "mmap_read_unlock", "fault_flag_allow_retry_first"))]
    #[doc(alias("FAULT_FLAG_ALLOW_RETRY", "FAULT_FLAG_RETRY_NOWAIT"))]
    #[rustfmt::skip]
    pub fn release(
        self, // what this gives is all that is left of the token: `match ctx.release() { .. }`
    ) -> Release<'f, P, M> {
        let flags = self.fault_flags();
        if !flags.allow_retry_first() {
            return Release::Keep(self);
        }
        if flags.contains(FaultFlags::RETRY_NOWAIT) {
            return Release::NoWait(self.answer(FaultCode::RETRY));
        }
        // Take a reference to the state first: without the lock, another thread's munmap drops the mapping's own.
        self.frame.0.state.pin();
        P::release(self.fault());
        Release::Released(Released { ctx: self })
    }

    /// Waits until the queue is woken, with the lock given up if the fault allows it, and has the access repeated. A
    /// fault that must not wait does not; one that cannot be retried waits with its lock, so what is waited for must
    /// not need the mmap lock. It returns at once if the queue was woken since the ticket was taken.
    ///
    /// Drop what else is held first: the guard of a lock that whoever wakes the queue takes.
    ///
    /// ```
    /// use vmctx::{FaultCtx, PfnMap, Platform, VmFault, WaitQueue};
    ///
    /// fn wait_for_the_card<'f, P: Platform>(
    ///     ctx: FaultCtx<'f, P, PfnMap>,
    ///     idle: &P::WaitQueue,
    ///     is_busy: impl Fn() -> bool,
    ///     insert: impl FnOnce(FaultCtx<'f, P, PfnMap>) -> VmFault<'f>,
    /// ) -> VmFault<'f> {
    ///     // Taken before the look: a wake-up between the two would otherwise be waited for in vain.
    ///     let since = idle.ticket();
    ///     if is_busy() { ctx.release_and_wait(since) } else { insert(ctx) }
    /// }
    /// ```
    #[track_caller]
    pub fn release_and_wait(self, since: Ticket<'_, P::WaitQueue>) -> VmFault<'f> {
        match self.release() {
            Release::Released(released) => match released.wait(since) {
                // A thread that was killed meanwhile ends when its fault begins anew.
                Ok(()) | Err(_) => released.retry(),
            },
            Release::NoWait(answer) => answer,
            Release::Keep(ctx) => match ctx.wait(since) {
                Ok(waited) => ctx.refault(waited),
                Err(errno) => ctx.fail_or_refault(errno),
            },
        }
    }
}

/// Fault-around: filling neighbours before answering.
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    /// Inserts a page at another slot of the mapping. It does not answer the fault, and the answer does not depend on
    /// it.
    #[track_caller]
    pub fn prefault_page(&mut self, at: PageOffset, page: &P::Page) -> Prefault
    where
        M: HoldsPages,
    {
        match self.frame.0.neighbour(at) {
            Ok(address) => Prefault::from_code(P::vmf_insert_page(self.fault(), address, page)),
            Err(nothing) => nothing,
        }
    }

    /// Inserts pages at the slots from `at` on, and says how many went in. It does not answer the fault, and the answer
    /// does not depend on it. On a platform that has to tell a kernel of each page, one call for many slots costs less
    /// than [`prefault_page`](Self::prefault_page) for each.
    ///
    /// Some are left out without an error: the page of the fault's own slot, which the answer fills, those of slots
    /// that are filled already or lie outside the mapping, and pages that may not be mapped. All others go to their
    /// slots, until there is no memory for a page table. A slot that is filled keeps what it has. (`vm_insert_pages` of
    /// `mm/memory.c`, which this follows, stops at the first slot that is filled, and is called again behind it.)
    ///
    /// It may sleep for page tables, so `map_pages`, which may not, has no such operation: there it is
    /// [`prefault_page`](crate::MapPagesCtx::prefault_page) for each.
    #[doc(alias = "vm_insert_pages")]
    #[track_caller]
    pub fn prefault_pages(&mut self, at: PageOffset, pages: &[P::Page]) -> PageCount
    where
        M: HoldsPages,
    {
        let mut inserted = 0_usize;
        for (address, pages) in self.frame.0.neighbours(at, pages) {
            if !pages.is_empty() {
                inserted = inserted.saturating_add(P::vmf_insert_pages(self.fault(), address, pages));
            }
        }
        PageCount::new(inserted)
    }

    /// Inserts a frame by number at another slot of the mapping.
    #[track_caller]
    pub fn prefault_pfn(&mut self, at: PageOffset, frame: impl IsFrame<'f, P>) -> Prefault
    where
        M: HoldsFrames,
    {
        match self.frame.0.neighbour(at) {
            Ok(address) => {
                Prefault::from_code(P::vmf_insert_pfn(self.fault(), address, frame.into_frame().pfn(), None))
            }
            Err(nothing) => nothing,
        }
    }

    /// The same with a protection of its own: the mapping's, cached in another way.
    #[track_caller]
    pub fn prefault_pfn_prot(&mut self, at: PageOffset, frame: impl IsFrame<'f, P>, prot: PageProt) -> Prefault
    where
        M: HoldsFrames,
    {
        let prot = prot.with_rights_of(self.page_prot());
        match self.frame.0.neighbour(at) {
            Ok(address) => {
                Prefault::from_code(P::vmf_insert_pfn(self.fault(), address, frame.into_frame().pfn(), Some(prot)))
            }
            Err(nothing) => nothing,
        }
    }

    /// Inserts a frame that may have a page behind it at another slot of the mapping.
    #[track_caller]
    pub fn prefault_mixed(&mut self, at: PageOffset, frame: impl IsFrame<'f, P>) -> Prefault
    where
        M: HoldsMixed,
    {
        match self.frame.0.neighbour(at) {
            Ok(address) => {
                Prefault::from_code(P::vmf_insert_mixed(self.fault(), address, frame.into_frame().pfn(), false))
            }
            Err(nothing) => nothing,
        }
    }
}

/// Whether [`FaultCtx::release`] gave up the lock.
///
/// ```
/// use vmctx::{Errno, FaultCtx, Mixed, Platform, Release, VmFault};
///
/// /// Waits for something slow, without the lock.
/// fn wait_for<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, slow: impl FnOnce()) -> VmFault<'f> {
///     match ctx.release() {
///         Release::Released(released) => {
///             slow();
///             released.retry()
///         }
///         Release::NoWait(answer) => answer,
///         Release::Keep(ctx) => ctx.fail(Errno::EIO),
///     }
/// }
/// ```
#[must_use = "the fault is not answered yet"]
pub enum Release<'f, P: Platform, M> {
    /// It did. Wait for what is missing, then answer with [`Released::retry`].
    Released(Released<'f, P, M>),
    /// The fault must not wait, and keeps its lock (`FAULT_FLAG_RETRY_NOWAIT`). This is its answer: start what the
    /// driver would have waited for, and return it.
    NoWait(VmFault<'f>),
    /// The fault cannot be retried, or was retried already. Its lock is still held: serve it or fail it.
    Keep(FaultCtx<'f, P, M>),
}

/// A fault whose lock was given up: all that is left of it is the answer.
///
/// ```
/// use vmctx::{PfnMap, Platform, Released, VmFault, WaitQueue};
///
/// /// Waits with no lock of the fault's held, and has the access repeated whatever came of that.
/// fn wait<'f, P: Platform>(released: Released<'f, P, PfnMap>, ready: &P::WaitQueue) -> VmFault<'f> {
///     match released.wait(ready.ticket()) {
///         Ok(()) | Err(_) => released.retry(),
///     }
/// }
/// ```
#[must_use = "answer with `released.retry()`"]
pub struct Released<'f, P: Platform, M> {
    ctx: FaultCtx<'f, P, M>,
}

impl<'f, P: Platform, M> Released<'f, P, M> {
    /// The right to sleep, now without any lock of the fault's held.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        self.ctx.may_sleep()
    }

    /// Waits until the queue is woken, with no lock of the fault's held. It returns at once if that has happened since
    /// the ticket was taken.
    ///
    /// # Errors
    /// EINTR or ERESTARTSYS if the thread is to die. [`retry`](Self::retry) is the answer in any case.
    #[track_caller]
    pub fn wait(&self, since: Ticket<'_, P::WaitQueue>) -> Result<(), Errno> {
        P::wait(self.ctx.fault(), since.queue, since.wakes)
    }

    /// The fault is to be repeated from the start, with the lock taken anew (`VM_FAULT_RETRY`).
    #[doc(alias = "VM_FAULT_RETRY")]
    pub fn retry(self) -> VmFault<'f> {
        self.ctx.answer(FaultCode::RETRY)
    }
}

// What it refuses, with what to write instead.
include!("refused/fault.rs");

// What it has in C under another name.
include!("common/c_names.rs");
