//! The fault hook's token.

use core::{marker::PhantomData, ops::Range};

use crate::{
    answer::VmFault,
    errno::Errno,
    fault_frame::FaultFrame,
    flags::{FaultCode, FaultFlags},
    frame::Frame,
    kind::{DeliversPages, HoldsFrames, HoldsMixed, HoldsPages},
    page_lock::LockedPage,
    platform::Platform,
    prefault::Prefault,
    prot::PageProt,
    sleep::MaySleep,
    token::{Held, Invariant},
    units::{PageCount, PageOffset, UserAddr},
    wait::{RefaultReason, Ticket, Waited},
};
/// The token of the fault hook: the proof that a fault is being served, and the only thing that can answer it.
///
/// Locks: mmap lock or VMA lock, read. May sleep. Insertion answers [`VmFault`].
///
/// Every answering operation takes the token by value, and the hook must return an answer: so a fault is answered
/// exactly once (G5). The answering insertions have no address: what is inserted goes where the fault was (G10), and
/// which page that is says [`pgoff`](Self::pgoff).
///
/// An errno never becomes an answer by itself. [`fail`](Self::fail) and [`fail_or_refault`](Self::fail_or_refault)
/// spend the token on one, by the kernel's own rules.
///
/// Not `Clone`, `Send` or `Sync`, and it cannot outlive the hook.
#[must_use = "a fault must be answered: insert something, or `ctx.fail(errno)`"]
pub struct FaultCtx<'f, P: Platform, M> {
    frame: Held<&'f FaultFrame<'f, P>>,
    brand: Invariant<'f>,
    kind: PhantomData<fn(M) -> M>,
    thread: PhantomData<*mut FaultCtx<'static, P, M>>,
}

use self::FaultCtx as Token;
include!("common/fault_token.rs");
include!("common/sleeping_fault_token.rs");

impl<P: Platform, M> FaultCtx<'_, P, M> {
    pub(crate) fn page_address(&self) -> usize {
        self.frame.0.page_address()
    }
}

/// What faulted.
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    /// Whether this fault has been tried before: its lock was given up once.
    #[must_use]
    pub fn is_tried(&self) -> bool {
        self.flags().contains(FaultFlags::TRIED)
    }

    /// The protection that the mapping gives to what is inserted: narrow it or change its cache attribute, then
    /// [`insert_pfn_prot`](Self::insert_pfn_prot).
    #[must_use]
    pub fn page_prot(&self) -> PageProt {
        P::fault_page_prot(self.fault())
    }

    fn flags(&self) -> FaultFlags {
        P::fault_flags(self.fault())
    }
}

/// Answering.
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    /// Inserts a page where the fault was (`vmf_insert_page`). The mapping takes a reference of its own.
    ///
    /// Another page in place already is a success ([`VmFault::already_present`]); no page table is OOM; a page that may
    /// not be mapped is SIGBUS.
    pub fn insert_page(self, page: &P::Page) -> VmFault<'f>
    where
        M: HoldsPages,
    {
        let code = P::vmf_insert_page(self.fault(), self.page_address(), page);
        self.answer(code)
    }

    /// Inserts the zero page where the fault was. SIGBUS in a shared mapping that is writable or may become so, unless
    /// [`pfn_mkwrite`](crate::Hooks::pfn_mkwrite) is told of the first store and the mapping is [`io`](crate::MmapCtx::io).
    pub fn insert_zero_page(self) -> VmFault<'f>
    where
        M: HoldsPages,
    {
        let code = P::vmf_insert_zero_page(self.fault(), self.page_address());
        self.answer(code)
    }

    /// Inserts a frame by number where the fault was (`vmf_insert_pfn`). No reference is taken.
    pub fn insert_pfn(self, frame: Frame<'_, P>) -> VmFault<'f>
    where
        M: HoldsFrames,
    {
        let code = P::vmf_insert_pfn(self.fault(), self.page_address(), frame.pfn(), None);
        self.answer(code)
    }

    /// The same with a protection of its own (`vmf_insert_pfn_prot`): that of the mapping, narrowed or recached.
    pub fn insert_pfn_prot(self, frame: Frame<'_, P>, prot: PageProt) -> VmFault<'f>
    where
        M: HoldsFrames,
    {
        let prot = prot.within(self.page_prot());
        let code = P::vmf_insert_pfn(self.fault(), self.page_address(), frame.pfn(), Some(prot));
        self.answer(code)
    }

    /// Inserts a frame that may have a page behind it where the fault was (`vmf_insert_mixed`). A page is counted.
    pub fn insert_mixed(self, frame: Frame<'_, P>) -> VmFault<'f>
    where
        M: HoldsMixed,
    {
        let code = P::vmf_insert_mixed(self.fault(), self.page_address(), frame.pfn(), false);
        self.answer(code)
    }

    /// The same, writable and dirty at once (`vmf_insert_mixed_mkwrite`). If the same frame is in place already, it
    /// is made writable; another one is left alone.
    ///
    /// In a private mapping it does not become writable: the store gets its copy. (Linux would let it through to the
    /// object, and trusts the file system not to ask.)
    pub fn insert_mixed_mkwrite(self, frame: Frame<'_, P>) -> VmFault<'f>
    where
        M: HoldsMixed,
    {
        let code = P::vmf_insert_mixed(self.fault(), self.page_address(), frame.pfn(), true);
        self.answer(code)
    }

    /// Hands a page, with its reference, to the core, which maps it or, for a store to a private mapping, copies it
    /// (what `nopage` did).
    pub fn deliver(self, page: P::Page) -> VmFault<'f>
    where
        M: DeliversPages,
    {
        P::deliver(self.fault(), page);
        self.answer(FaultCode::NONE)
    }

    /// Locks a page (`lock_page`), to look whether it still belongs to the object and then to
    /// [deliver](Self::deliver_locked) it. Sleeps while somebody else has it locked.
    pub fn lock_page(&self, page: &P::Page) -> LockedPage<'f, P> {
        self.frame.0.lock_page(page)
    }

    /// Hands a locked page to the core (`VM_FAULT_LOCKED`), which unlocks it when it is mapped.
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

    /// Gives up the lock that the fault holds, so that others can change the mapping while this hook waits, if the
    /// fault allows that. The mapping's state stays alive until the hook has returned, even if the mapping does not.
    pub fn release(self) -> Release<'f, P, M> {
        let flags = self.flags();
        if !flags.allow_retry_first() {
            return Release::Keep(self);
        }
        if flags.contains(FaultFlags::RETRY_NOWAIT) {
            return Release::NoWait(self.answer(FaultCode::RETRY));
        }
        // First the pin: without the lock, another thread's munmap drops the mapping's own reference.
        self.frame.0.state.pin();
        P::release(self.fault());
        Release::Released(Released { ctx: self })
    }
}

/// Fault-around: filling neighbours before answering.
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    /// Inserts a page at another slot of the mapping. Never the fault's answer, and never needed for it.
    pub fn prefault_page(&mut self, at: PageOffset, page: &P::Page) -> Prefault
    where
        M: HoldsPages,
    {
        match self.frame.0.neighbour(at) {
            Ok(address) => Prefault::from_code(P::vmf_insert_page(self.fault(), address, page)),
            Err(nothing) => nothing,
        }
    }

    /// Inserts pages at the slots from `at` on, one after the other, and says how many went in. Never the fault's
    /// answer, and never needed for it. On a platform that has to tell a kernel of each page, one call for a window
    /// costs less than [`prefault_page`](Self::prefault_page) for each of its slots.
    ///
    /// Left out, without an error: the fault's own slot, which the answer fills; slots outside the mapping; slots that
    /// are filled already; pages that cannot be mapped. All other pages go to their slots. (Linux's `vm_insert_pages`
    /// stops at the first slot that is filled.)
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
    pub fn prefault_pfn(&mut self, at: PageOffset, frame: Frame<'_, P>) -> Prefault
    where
        M: HoldsFrames,
    {
        match self.frame.0.neighbour(at) {
            Ok(address) => Prefault::from_code(P::vmf_insert_pfn(self.fault(), address, frame.pfn(), None)),
            Err(nothing) => nothing,
        }
    }

    /// The same with a protection of its own: that of the mapping, narrowed or recached.
    pub fn prefault_pfn_prot(&mut self, at: PageOffset, frame: Frame<'_, P>, prot: PageProt) -> Prefault
    where
        M: HoldsFrames,
    {
        let prot = prot.within(self.page_prot());
        match self.frame.0.neighbour(at) {
            Ok(address) => Prefault::from_code(P::vmf_insert_pfn(self.fault(), address, frame.pfn(), Some(prot))),
            Err(nothing) => nothing,
        }
    }

    /// Inserts a frame that may have a page behind it at another slot of the mapping.
    pub fn prefault_mixed(&mut self, at: PageOffset, frame: Frame<'_, P>) -> Prefault
    where
        M: HoldsMixed,
    {
        match self.frame.0.neighbour(at) {
            Ok(address) => Prefault::from_code(P::vmf_insert_mixed(self.fault(), address, frame.pfn(), false)),
            Err(nothing) => nothing,
        }
    }
}

/// Whether [`FaultCtx::release`] gave up the lock.
#[must_use = "the fault is not answered yet"]
pub enum Release<'f, P: Platform, M> {
    /// It did. Wait for whatever it is, then answer with [`Released::retry`].
    Released(Released<'f, P, M>),
    /// The fault must not wait, and keeps its lock: this is its answer. Start the work, and return it
    /// (`FAULT_FLAG_RETRY_NOWAIT`).
    NoWait(VmFault<'f>),
    /// The fault cannot be retried, or was already. The lock is still held: serve it or fail it.
    Keep(FaultCtx<'f, P, M>),
}

/// A fault whose lock was given up: all that is left of it is the answer.
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

    /// Waits until the queue is woken, with no lock of the fault's held. At once if that has happened since the
    /// ticket was taken.
    ///
    /// # Errors
    /// EINTR or ERESTARTSYS if the thread is to die. [`retry`](Self::retry) is the answer in any case.
    pub fn wait(&self, since: Ticket<'_, P::WaitQueue>) -> Result<(), Errno> {
        P::wait(self.ctx.fault(), since.queue, since.wakes)
    }

    /// The fault is to be repeated from the start, with the lock taken anew (`VM_FAULT_RETRY`).
    pub fn retry(self) -> VmFault<'f> {
        self.ctx.answer(FaultCode::RETRY)
    }
}

include!("refused/fault.rs");
