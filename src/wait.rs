//! Waiting in a fault, and the evidence for a refault.

use core::marker::PhantomData;

use crate::{errno::Errno, sleep::MaySleep, token::Invariant};

/// A queue on which faults wait for something to change (`wait_queue_head_t`).
///
/// It counts its wake-ups, so that none is lost: take a [ticket](Self::ticket), look at the condition, then
/// [wait](crate::FaultCtx::wait) with the ticket. A wake-up in between ends the wait at once.
///
/// ```
/// use vmctx::{Errno, MaySleep, Mutex, Platform, WaitQueue};
///
/// struct Card<P: Platform> {
///     is_busy: P::Mutex<bool>,
///     idle: P::WaitQueue,
/// }
///
/// impl<P: Platform> Card<P> {
///     fn new(may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
///         Ok(Self { is_busy: P::Mutex::new(false, may_sleep)?, idle: P::WaitQueue::new(may_sleep)? })
///     }
///
///     /// Changes what the faults wait for, and wakes them only then.
///     fn finished(&self, may_sleep: MaySleep<'_>) {
///         *self.is_busy.lock(may_sleep) = false;
///         self.idle.wake_all();
///     }
/// }
/// ```
#[doc(alias("wait_queue_head_t", "init_waitqueue_head"))]
pub trait WaitQueue: Sized + Send + Sync + 'static {
    /// A queue with nobody on it.
    ///
    /// # Errors
    /// ENOMEM.
    fn new(may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Result<Self, Errno>;

    /// How often the queue has been woken (with acquire ordering).
    fn wakes(&self) -> u64;

    /// The moment from which a wake-up counts. Take it **before** looking at the condition.
    fn ticket(&self) -> Ticket<'_, Self> {
        Ticket { queue: self, wakes: self.wakes() }
    }

    /// Wakes everybody who waits (`wake_up_all`). Call it after changing the condition.
    fn wake_all(&self);
}

/// How often a [`WaitQueue`] had been woken at some moment. From [`WaitQueue::ticket`].
///
/// ```
/// use vmctx::{FaultCtx, Mixed, Mutex, Platform, Ticket, VmFault, WaitQueue};
///
/// /// Waits while the page is being made. The ticket is taken before the look, so that no wake-up is missed.
/// fn fault<'f, P: Platform>(
///     ctx: FaultCtx<'f, P, Mixed>,
///     made: &P::WaitQueue,
///     page: &P::Mutex<Option<P::Page>>,
/// ) -> VmFault<'f> {
///     let since: Ticket<'_, P::WaitQueue> = made.ticket();
///     let page = page.lock(ctx.may_sleep()).clone();
///     match page {
///         Some(page) => ctx.insert_page(&page),
///         None => ctx.release_and_wait(since),
///     }
/// }
/// ```
#[must_use = "wait with it: `ctx.wait(ticket)`"]
pub struct Ticket<'q, Q> {
    pub(crate) queue: &'q Q,
    pub(crate) wakes: u64,
}

/// Evidence that this fault has waited and was woken, from [`FaultCtx::wait`](crate::FaultCtx::wait). Good for one
/// [`FaultCtx::refault`](crate::FaultCtx::refault) of the same fault.
///
/// ```
/// use vmctx::{FaultCtx, Mixed, Platform, VmFault, WaitQueue};
///
/// /// Waits with the lock held, and has the access repeated: having waited is the evidence that it may succeed then.
/// fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, ready: &P::WaitQueue) -> VmFault<'f> {
///     match ctx.wait(ready.ticket()) {
///         Ok(waited) => ctx.refault(waited),
///         Err(errno) => ctx.fail_or_refault(errno),
///     }
/// }
/// ```
#[must_use = "waiting answers nothing: look again, then answer with `ctx.refault(waited)`"]
pub struct Waited<'f> {
    brand: Invariant<'f>,
}

/// Makes the evidence. Not an associated function of [`Waited`], which rustc would suggest to whoever tries a literal.
pub(crate) const fn waited<'f>() -> Waited<'f> {
    Waited { brand: PhantomData }
}

/// Evidence that this fault itself has taken away what its store has met, from
/// [`PageMkwriteCtx::unmap`](crate::PageMkwriteCtx::unmap). Good for one
/// [`refault`](crate::PageMkwriteCtx::refault) of the same fault.
///
/// ```
/// use vmctx::{Mixed, PageMkwriteCtx, Platform, SharedObject, VmFault};
///
/// /// Takes the page away before it is written, so that the fault hook brings another one.
/// fn page_mkwrite<'f, P: Platform>(ctx: PageMkwriteCtx<'f, P, Mixed>, object: &SharedObject<P>) -> VmFault<'f> {
///     match ctx.unmap(object) {
///         Ok(unmapped) => ctx.refault(unmapped),
///         Err(errno) => ctx.fail(errno),
///     }
/// }
/// ```
#[must_use = "the store is repeated by it: `ctx.refault(unmapped)`"]
pub struct Unmapped<'f> {
    brand: Invariant<'f>,
}

/// Makes the evidence, as [`waited`] does.
pub(crate) const fn unmapped<'f>() -> Unmapped<'f> {
    Unmapped { brand: PhantomData }
}

pub(crate) mod sealed {
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is no evidence that anything changed, so this fault cannot ask to be repeated",
        label = "not evidence",
        note = "a fault that is repeated without a change repeats for ever",
        note = "wait on a queue of the platform, `ctx.wait(queue.ticket())`, and pass the `Waited` it gives",
        note = "memory that has moved meanwhile: `epoch.resident(ctx.may_sleep())` says so with a `Moved`",
        note = "what a hook that is told of a first store takes away itself: `ctx.unmap(&object)` gives an `Unmapped`",
        note = "an errno that means \"try again\" (EINTR, ERESTARTSYS, EAGAIN, EBUSY, ENOSPC): `ctx.fail_or_refault(errno)`"
    )]
    pub trait Reason<'f> {}
}

#[diagnostic::do_not_recommend]
impl<'f> sealed::Reason<'f> for Waited<'f> {}
#[diagnostic::do_not_recommend]
impl<'f> sealed::Reason<'f> for Unmapped<'f> {}

/// What justifies answering a fault with "repeat the access": [`Waited`], [`Moved`](crate::Moved), or [`Unmapped`].
/// Sealed.
///
/// ```
/// use vmctx::{FaultCtx, Mixed, Platform, RefaultReason, VmFault};
///
/// /// Counts the accesses that are repeated, whatever has changed.
/// fn again<'f, P: Platform>(
///     ctx: FaultCtx<'f, P, Mixed>,
///     reason: impl RefaultReason<'f>,
///     count: impl FnOnce(),
/// ) -> VmFault<'f> {
///     count();
///     ctx.refault(reason)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no evidence that anything changed, so this fault cannot ask to be repeated",
    label = "not evidence",
    note = "wait on a queue of the platform, `ctx.wait(queue.ticket())`, and pass the `Waited` it gives",
    note = "memory that has moved meanwhile: `epoch.resident(ctx.may_sleep())` says so with a `Moved`",
    note = "what a hook that is told of a first store takes away itself: `ctx.unmap(&object)` gives an `Unmapped`",
    note = "an errno that means \"try again\" (EINTR, ERESTARTSYS, EAGAIN, EBUSY, ENOSPC): `ctx.fail_or_refault(errno)`"
)]
pub trait RefaultReason<'f>: sealed::Reason<'f> {}
#[diagnostic::do_not_recommend]
impl<'f> RefaultReason<'f> for Waited<'f> {}
#[diagnostic::do_not_recommend]
impl<'f> RefaultReason<'f> for Unmapped<'f> {}
