//! The token of the hook that is told of a first store to a page: `page_mkwrite`.

use core::marker::PhantomData;

use crate::{
    answer::VmFault,
    errno::{Errno, IntoErrno},
    fault_frame::FaultFrame,
    flags::FaultCode,
    frame::Frame,
    kind::HoldsMixed,
    page_lock::LockedPage,
    platform::Platform,
    shared_object::SharedObject,
    sleep::MaySleep,
    token::{Held, Invariant, OneThread},
    units::{PageCount, PageOffset, PageRange, UserAddr},
    wait::{RefaultReason, Ticket, Unmapped, Waited},
};

/// The token of `page_mkwrite`: a page of a shared mapping is about to be written for the first time since it was
/// mapped, or since it was [write-protected](crate::EstablishedCtx::write_protect).
///
/// Locks: mmap lock or VMA lock, read. May sleep, but cannot give up the lock. The page is there already, or is the one
/// that the fault hook has just [handed back](crate::FaultCtx::deliver) for this store, which nobody sees yet; nothing is
/// inserted. The answer is [`allow`](Self::allow), or an error for the store: a page that was handed back is not mapped
/// then, and its reference is put. [`is_user`](Self::is_user) is false here, whoever stores (`do_page_mkwrite`).
///
/// Registered with [`Hooks::page_mkwrite`](crate::Hooks::page_mkwrite). Where it is, shared mappings start read-only.
///
/// ```
/// use vmctx::{Errno, Mixed, PageMkwriteCtx, Platform, VmFault};
///
/// fn page_mkwrite<'f, P: Platform>(
///     ctx: PageMkwriteCtx<'f, P, Mixed>,
///     reserve: impl FnOnce() -> Result<(), Errno>,
/// ) -> VmFault<'f> {
///     match reserve() {
///         Ok(()) => ctx.allow(),
///         Err(errno) => ctx.fail(errno),
///     }
/// }
/// ```
#[diagnostic::on_move(
    message = "this store's token is spent: it answers once, and nothing can be asked of it afterwards",
    label = "one token, and one answer",
    note = "ask before the answer: `let at = ctx.pgoff();`"
)]
#[must_use = "a store waits for the answer: `ctx.allow()`, or `ctx.fail(errno)`"]
pub struct PageMkwriteCtx<'f, P: Platform, M> {
    frame: Held<&'f FaultFrame<'f, P>>,
    brand: Invariant<'f>,
    kind: PhantomData<fn(M) -> M>,
    _thread: OneThread,
}

// What this token has in common with those of other hooks.
use self::PageMkwriteCtx as Token;
include!("common/fault_token.rs");
include!("common/sleeping_fault_token.rs");
include!("common/mkwrite_token.rs");

/// Answering.
impl<'f, P: Platform, M> PageMkwriteCtx<'f, P, M> {
    /// The page that is to be written.
    #[must_use]
    pub fn page(&self) -> P::Page {
        P::fault_page(self.fault())
    }

    /// Locks the page that is to be written (`lock_page`), to look whether it still belongs to the object and to record
    /// the store; then [`allow_locked`](Self::allow_locked). Sleeps while somebody else has it locked.
    #[track_caller]
    pub fn lock_page(&self) -> LockedPage<'f, P> {
        self.frame.0.lock_page(&self.page())
    }

    /// Lets the store happen: the page becomes writable and dirty, for this store and later ones. It is locked while
    /// that is done (`VM_FAULT_LOCKED`).
    ///
    /// A driver that records the store, and drops the record when it protects the page again, records it **between**
    /// [`lock_page`](Self::lock_page) and [`allow_locked`](Self::allow_locked). A record made before the page is locked
    /// may be dropped before the page is writable, and then the driver is never told of the store.
    #[track_caller]
    pub fn allow(self) -> VmFault<'f> {
        let page = self.lock_page();
        self.allow_locked(page)
    }

    /// The same with the page locked already. Anything but the [page](Self::page) that is to be written fails the
    /// store.
    pub fn allow_locked(self, page: LockedPage<'f, P>) -> VmFault<'f> {
        if page.get().map(P::page_pfn) != Some(P::page_pfn(&self.page())) {
            return self.fail(Errno::EINVAL);
        }
        // The page stays locked: the core unlocks it. The reference is not needed, because the core has one of its own.
        drop(page.into_locked());
        self.answer(FaultCode::LOCKED)
    }

    /// Makes the entry writable and dirty if it is of this frame (`vmf_insert_mixed_mkwrite`), as a file system does
    /// whose pages are frames of a device with pages behind them. If the entry has gone by now, or
    /// another frame is there, nothing is inserted and the access repeated.
    #[track_caller]
    pub fn insert_mixed_mkwrite(self, frame: Frame<'f, P>) -> VmFault<'f>
    where
        M: HoldsMixed,
    {
        let code = self.frame().insert_mixed_mkwrite(frame);
        self.answer(code)
    }
}

// What it refuses, with what to write instead.
include!("refused/mkwrite.rs");

// What it has in C under another name.
include!("common/c_names.rs");
