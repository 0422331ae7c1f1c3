//! The fault hook's token, and its answer.

use core::{cell::Cell, marker::PhantomData, ops::Range};

use crate::{
    Errno, Frame, FrameRange, HugeSize, MappedCtx, PageCount, PageOffset, Platform, UserAddr, VmOperations,
    guidance::{
        AnsweredByToken, AnswersAnotherHook, ChangesVmaAtMmap, HoldsAnErrno, HoldsItsLock, MakesHandles,
        MakesMappingAtMmap, MapsManyAtMmap, NamesACode, NeedsAnAddress, RemapsAtMmap, RunsNoHook,
    },
    kind::{DeliversPages, HoldsFrames, HoldsMixed, HoldsPages},
    page::LockedPage,
    platform::{FaultCode, FaultFlags, SERIAL_BITS, VmFlags},
    prefault::Prefault,
    prot::PageProt,
    sleep::{MaySleep, may_sleep},
    token::{Held, Invariant},
    wait::{RefaultReason, Ticket, Waited, waited},
};

/// What one fault keeps on the stack of [`entry::fault`](crate::entry::fault).
pub(crate) struct FaultFrame<'a, P: Platform> {
    pub(crate) fault: P::Fault,
    state: &'a dyn Pin,
    pub(crate) major: Cell<bool>,
    /// How large an entry a `huge_fault` is asked for.
    pub(crate) huge: HugeSize,
    /// Whether a hook is told of first stores.
    pub(crate) told_of_stores: bool,
    /// What a `map_pages` is asked for.
    pub(crate) window: Range<PageOffset>,
    /// Whether a `map_pages` has filled the slot of the fault.
    pub(crate) filled: Cell<bool>,
}

/// Takes a reference to the mapping's state that lasts until the hook has returned.
pub(crate) trait Pin {
    fn pin(&self);
}

impl<'a, P: Platform> FaultFrame<'a, P> {
    pub(crate) fn new(fault: P::Fault, state: &'a dyn Pin) -> Self {
        Self {
            fault,
            state,
            major: Cell::new(false),
            huge: HugeSize::Pmd,
            told_of_stores: false,
            window: PageOffset::ZERO..PageOffset::ZERO,
            filled: Cell::new(false),
        }
    }

    /// An answer to this fault.
    pub(crate) fn answer<'f>(&self, code: FaultCode) -> VmFault<'f> {
        VmFault { bits: code.bits() | serial_bits::<P>(&self.fault), brand: PhantomData }
    }

    /// The address of the page that was touched.
    pub(crate) fn page_address(&self) -> usize {
        P::fault_address(&self.fault) & !(P::PAGE_SIZE - 1)
    }

    /// The address of another slot of the mapping than the fault's.
    pub(crate) fn neighbour(&self, at: PageOffset) -> Result<usize, Prefault> {
        if at == P::fault_pgoff(&self.fault) {
            return Err(Prefault::TheFaultItself);
        }
        self.slot(at)
    }

    /// The address of any slot of the mapping.
    pub(crate) fn slot(&self, at: PageOffset) -> Result<usize, Prefault> {
        let range = P::fault_vma_range(&self.fault);
        let first = P::fault_vma_pgoff(&self.fault);
        let slot = at.checked_since(first).map_or(usize::MAX, PageCount::get);
        if slot >= range.end.saturating_sub(range.start) >> P::PAGE_SHIFT {
            return Err(Prefault::OutsideMapping);
        }
        // Inside the VMA, because `slot` is below its length.
        Ok(range.start.wrapping_add(slot << P::PAGE_SHIFT))
    }

    /// Those of `pages`, the first of which belongs at `at`, that have a slot of the mapping, but not the fault's: in
    /// two parts, before that slot and behind it, each with the address of its first. A part can be empty.
    fn neighbours<'p>(&self, at: PageOffset, pages: &'p [P::Page]) -> [(usize, &'p [P::Page]); 2] {
        let range = P::fault_vma_range(&self.fault);
        let first = P::fault_vma_pgoff(&self.fault);
        let slots = range.end.saturating_sub(range.start) >> P::PAGE_SHIFT;
        let outside = first.checked_since(at).map_or(0, PageCount::get);
        let slot = at.checked_since(first).map_or(0, PageCount::get);
        let pages = pages.get(outside..).unwrap_or_default();
        let pages = pages.get(..slots.saturating_sub(slot)).unwrap_or(pages);
        let own = P::fault_pgoff(&self.fault).checked_since(at.max(first)).map_or(usize::MAX, PageCount::get);
        let (before, rest) = pages.split_at(own.min(pages.len()));
        let behind = rest.get(1..).unwrap_or_default();
        // Inside the VMA, because a part that is not empty has only slots below its length.
        let address = |slot: usize| range.start.wrapping_add(slot << P::PAGE_SHIFT);
        [(address(slot), before), (address(slot.saturating_add(before.len()).saturating_add(1)), behind)]
    }

    /// What the platform is told, after a check that the answer is this fault's.
    pub(crate) fn conclude(&self, answer: VmFault<'_>) -> FaultCode {
        if answer.bits >> SERIAL_SHIFT != serial_bits::<P>(&self.fault) >> SERIAL_SHIFT {
            return FaultCode::SIGBUS | FaultCode::FOREIGN;
        }
        let code = FaultCode::from_bits(answer.bits & CODE_MASK).without(FaultCode::ALREADY_PRESENT);
        if self.major.get() { code | FaultCode::MAJOR } else { code }
    }
}

const SERIAL_SHIFT: u32 = u32::BITS - SERIAL_BITS;
const CODE_MASK: u32 = (1 << SERIAL_SHIFT) - 1;

fn serial_bits<P: Platform>(fault: &P::Fault) -> u32 {
    P::fault_serial(fault) << SERIAL_SHIFT
}

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

/// The answer to one fault (`vm_fault_t`). Only that fault's token turns into one.
///
/// It cannot be made from an [`Errno`] or a number, and nothing can be made of it: no `Result`, no errno, no bits. It
/// cannot be kept for another fault. What it says of itself is [`already_present`](Self::already_present) and
/// [`is_error`](Self::is_error).
#[must_use = "return it from the fault hook: it is the fault's answer"]
pub struct VmFault<'f> {
    // A `FaultCode` in the low bits, the fault's serial number in the high ones.
    bits: u32,
    brand: Invariant<'f>,
}

impl VmFault<'_> {
    /// Whether the insertion found an entry in place already, so that nothing was inserted: another thread was faster.
    ///
    /// For a fault that is a success, the access is repeated and finds the entry (linux-mm, April 2018). Ask if
    /// something must be undone, as when a block was allocated for this insertion only. `true` is certain; insertions
    /// of frames answer `false` where the kernel does not say.
    #[must_use]
    pub const fn already_present(&self) -> bool {
        FaultCode::from_bits(self.bits).contains(FaultCode::ALREADY_PRESENT)
    }

    /// Whether the access fails: the user gets a signal, or the OOM killer acts.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        FaultCode::from_bits(self.bits).intersects(FaultCode::ERROR)
    }
}

/// What the tokens of all hooks that serve a fault have in common: each has a `frame`, and is made of it by `$make`.
macro_rules! fault_token {
    ($token:ident, $make:ident) => {
        impl<'a, P: Platform> FaultFrame<'a, P> {
            /// The token. Not an associated function of its own, which rustc would suggest to whoever tries a literal.
            pub(crate) fn $make<M>(&self) -> $token<'_, P, M> {
                $token { frame: Held(self), brand: PhantomData, kind: PhantomData, thread: PhantomData }
            }
        }

        impl<'f, P: Platform, M> $token<'f, P, M> {
            pub(crate) fn fault(&self) -> &'f P::Fault {
                &self.frame.0.fault
            }

            pub(crate) fn frame(&self) -> &'f FaultFrame<'f, P> {
                self.frame.0
            }

            pub(crate) fn answer(self, code: FaultCode) -> VmFault<'f> {
                self.frame.0.answer(code)
            }
        }

        /// What it is about.
        impl<'f, P: Platform, M> $token<'f, P, M> {
            /// The page of the object that was touched (`vmf->pgoff`).
            #[must_use]
            pub fn pgoff(&self) -> PageOffset {
                P::fault_pgoff(self.fault())
            }

            /// The part of the object that this mapping shows, in pages: the offsets at which it has a slot.
            #[must_use]
            pub fn pgoff_range(&self) -> Range<PageOffset> {
                let vma = P::fault_vma_range(self.fault());
                let first = P::fault_vma_pgoff(self.fault());
                let pages = vma.end.saturating_sub(vma.start) >> P::PAGE_SHIFT;
                first..PageOffset::new(first.index().saturating_add(pages))
            }

            /// Whether the access was a store.
            #[must_use]
            pub fn is_write(&self) -> bool {
                P::fault_flags(self.fault()).contains(FaultFlags::WRITE)
            }

            /// Whether the mapping was made with `MAP_SHARED` (`VM_MAYSHARE`).
            #[must_use]
            pub fn is_shared(&self) -> bool {
                P::fault_vma_flags(self.fault()).contains(VmFlags::MAYSHARE)
            }

            /// Whether a store would give the user a private copy: `is_cow_mapping`.
            #[must_use]
            pub fn is_cow(&self) -> bool {
                P::fault_vma_flags(self.fault()).is_cow()
            }

            /// Whether the access came from user mode, and not from the kernel on the user's behalf.
            #[must_use]
            pub fn is_user(&self) -> bool {
                P::fault_flags(self.fault()).contains(FaultFlags::USER)
            }

            /// The address of the fault with all its bits (`vmf->real_address`).
            ///
            /// For hardware whose pages are not the kernel's, and for messages. An offset into the object is
            /// [`pgoff`](Self::pgoff), never a difference of addresses; where the page goes, the context knows. The
            /// name is meant to be too long to use by mistake (linux-mm, May 2007).
            #[must_use]
            pub fn user_address_for_odd_page_sizes(&self) -> UserAddr {
                UserAddr::new(P::fault_address(self.fault()))
            }
        }
    };
}

/// What the tokens have in common of those hooks that may sleep, and whose answer may be an error.
macro_rules! sleeping_fault_token {
    ($token:ident) => {
        /// Sleeping, and not serving it.
        impl<'f, P: Platform, M> $token<'f, P, M> {
            /// The right to sleep, for as long as this context is borrowed.
            #[must_use]
            pub fn may_sleep(&self) -> MaySleep<'_> {
                may_sleep()
            }

            /// The fault had to wait for I/O: it is counted as a major one (`VM_FAULT_MAJOR`).
            pub fn account_major(&mut self) {
                self.frame.0.major.set(true);
            }

            /// The access cannot be served: say what went wrong (`vmf_error`). ENOMEM is OOM, EHWPOISON is HWPOISON,
            /// everything else a SIGBUS.
            pub fn fail(self, errno: Errno) -> VmFault<'f> {
                self.answer(FaultCode::from_errno(errno))
            }

            /// The access cannot be served now: EINTR, ERESTARTSYS, EAGAIN, EBUSY and ENOSPC repeat it (after the
            /// signal, if there is one), everything else is as [`fail`](Self::fail).
            ///
            /// This is what `i915_error_to_vmf_fault` and its likes in TTM, SGX and ubifs spell out by hand.
            pub fn fail_or_refault(self, errno: Errno) -> VmFault<'f> {
                match errno {
                    Errno::EINTR | Errno::ERESTARTSYS | Errno::EAGAIN | Errno::EBUSY | Errno::ENOSPC => {
                        self.answer(FaultCode::NOPAGE)
                    }
                    other => self.fail(other),
                }
            }

            /// Waits, with the lock held, until the queue is woken. At once if that has happened since the ticket was
            /// taken.
            ///
            /// # Errors
            /// EINTR or ERESTARTSYS if the thread is to die: [`fail_or_refault`](Self::fail_or_refault) knows what to
            /// do.
            pub fn wait(&self, since: Ticket<'_, P::WaitQueue>) -> Result<Waited<'f>, Errno> {
                P::wait(self.fault(), since.queue, since.wakes)?;
                Ok(waited())
            }

            /// Nothing was inserted, but something changed: repeat the access (`VM_FAULT_NOPAGE`). The evidence is this
            /// fault's own.
            pub fn refault(self, evidence: impl RefaultReason<'f>) -> VmFault<'f> {
                drop(evidence);
                self.answer(FaultCode::NOPAGE)
            }
        }
    };
}

pub(crate) use {fault_token, sleeping_fault_token};

fault_token!(FaultCtx, token);
sleeping_fault_token!(FaultCtx);

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

/// What a mmap hook has and a fault has not. Here as below nothing can be called: it says so, and what to write
/// instead.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    pub fn map_pages<R>(self, _pages: &[P::Page]) -> R
    where
        Self: MapsManyAtMmap,
    {
        Self::refused()
    }

    pub fn map_pages_zero<R>(self, _pages: &[P::Page]) -> R
    where
        Self: MapsManyAtMmap,
    {
        Self::refused()
    }

    pub fn insert_pages<R>(self, _pages: &[P::Page]) -> R
    where
        Self: MapsManyAtMmap,
    {
        Self::refused()
    }

    pub fn remap<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: RemapsAtMmap,
    {
        Self::refused()
    }

    pub fn remap_all<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: RemapsAtMmap,
    {
        Self::refused()
    }

    pub fn iomap_memory<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: RemapsAtMmap,
    {
        Self::refused()
    }

    pub fn read_only<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn no_exec<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn shared_only<R>(self) -> R
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn dont_copy(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn dont_expand(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn dont_dump(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn io(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn noncached(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn write_combine(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn decrypted(self) -> Self
    where
        Self: ChangesVmaAtMmap,
    {
        Self::refused()
    }

    pub fn establish<V, R>(self, _state: V) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::refused()
    }

    pub fn establish_shared<V, R>(self, _state: V) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::refused()
    }

    pub fn populate<K>(self) -> Result<FaultCtx<'f, P, K>, Errno>
    where
        Self: MakesMappingAtMmap,
    {
        Self::refused()
    }

    pub fn finish<R>(self) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::refused()
    }

    pub fn fill_later<R>(self) -> R
    where
        Self: MakesMappingAtMmap,
    {
        Self::refused()
    }
}

/// What a fault has in C, and needs not or must not have here.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    pub fn sigbus<R>(self) -> R
    where
        Self: NamesACode,
    {
        Self::refused()
    }

    pub fn oom<R>(self) -> R
    where
        Self: NamesACode,
    {
        Self::refused()
    }

    pub fn nopage<R>(self) -> R
    where
        Self: NamesACode,
    {
        Self::refused()
    }

    pub fn retry<R>(self) -> R
    where
        Self: NamesACode,
    {
        Self::refused()
    }

    pub fn address<R>(&self) -> R
    where
        Self: NeedsAnAddress,
    {
        Self::refused()
    }
}

/// What other hooks have.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> FaultCtx<'f, P, M> {
    pub fn allow<R>(self) -> R
    where
        Self: AnswersAnotherHook,
    {
        Self::refused()
    }

    pub fn allow_locked<R>(self, _page: LockedPage<'f, P>) -> R
    where
        Self: AnswersAnotherHook,
    {
        Self::refused()
    }

    pub fn fallback<R>(self) -> R
    where
        Self: AnswersAnotherHook,
    {
        Self::refused()
    }

    pub fn insert_huge<R>(self, _frames: FrameRange<'_, P>) -> R
    where
        Self: AnswersAnotherHook,
    {
        Self::refused()
    }
}

/// What the mmap hook has, and what no hook has.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<P: Platform, M> FaultCtx<'_, P, M> {
    pub fn handle<R>(&self) -> R
    where
        Self: MakesHandles,
    {
        Self::refused()
    }

    pub fn find<V>(&mut self, _address: UserAddr) -> Result<MappedCtx<'_, P, V::Mapping>, Errno>
    where
        V: VmOperations<Platform = P>,
        Self: RunsNoHook,
    {
        Self::refused()
    }
}

/// What a fault has while it holds its lock.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f, P: Platform, M> Released<'f, P, M> {
    pub fn insert_page<R>(self, _page: &P::Page) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn insert_pfn<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn insert_mixed<R>(self, _frame: Frame<'_, P>) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn deliver<R>(self, _page: P::Page) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn fail<R>(self, _errno: Errno) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }

    pub fn fail_or_refault<R>(self, _errno: Errno) -> R
    where
        Self: HoldsItsLock,
    {
        Self::refused()
    }
}

/// What a `Result` has, and what C converts.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<'f> VmFault<'f> {
    pub fn from<E, R>(_: E) -> R
    where
        Self: AnsweredByToken,
    {
        Self::refused()
    }

    pub fn errno<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn is_ok<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn ok<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn unwrap<R>(self) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn expect<R>(self, _message: &str) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }

    pub fn map_err<O, R>(self, _op: O) -> R
    where
        Self: HoldsAnErrno,
    {
        Self::refused()
    }
}
