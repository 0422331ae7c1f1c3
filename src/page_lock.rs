//! The page lock, held by a fault or by a system call.

use core::marker::PhantomData;

use crate::{
    fault_frame::FaultFrame,
    platform::Platform,
    shared_object::SharedObject,
    sleep::{MaySleep, may_sleep},
    token::{Held, Invariant, OneThread},
    units::{PageCount, PageOffset},
};

/// A page that this fault has locked (`lock_page`), with a reference of its own. From
/// [`FaultCtx::lock_page`](crate::FaultCtx::lock_page), for
/// [`FaultCtx::deliver_locked`](crate::FaultCtx::deliver_locked).
///
/// While it is held, nobody truncates the page or writes it back: this is the time to look whether it still belongs to
/// the object. Dropping it unlocks the page.
///
/// ```
/// use vmctx::{Errno, FaultCtx, Normal, Platform, VmFault};
///
/// /// Looks, with the page locked, whether it has been truncated meanwhile.
/// fn fault<'f, P: Platform>(
///     ctx: FaultCtx<'f, P, Normal>,
///     page: &P::Page,
///     is_ours: impl Fn(&P::Page) -> bool,
/// ) -> VmFault<'f> {
///     let locked = ctx.lock_page(page);
///     if is_ours(page) { ctx.deliver_locked(locked) } else { ctx.fail(Errno::EFAULT) }
/// }
/// ```
#[must_use = "dropping it at once unlocks the page again: hand it to `ctx.deliver_locked(page)`"]
pub struct LockedPage<'f, P: Platform> {
    // `None` only after `into_locked` has taken it out, so that `drop` does not unlock it.
    page: Option<P::Page>,
    frame: Held<&'f FaultFrame<'f, P>>,
    brand: Invariant<'f>,
    _thread: OneThread,
}

impl<P: Platform> FaultFrame<'_, P> {
    /// Locks a page for this fault.
    #[track_caller]
    pub(crate) fn lock_page(&self, page: &P::Page) -> LockedPage<'_, P> {
        P::lock_page(&self.fault, page);
        LockedPage { page: Some(page.clone()), frame: Held(self), brand: PhantomData, _thread: OneThread::MARK }
    }
}

impl<P: Platform> LockedPage<'_, P> {
    /// The page.
    pub(crate) fn get(&self) -> Option<&P::Page> {
        self.page.as_ref()
    }

    /// The page with its reference, and still locked: whoever takes it has to have it unlocked.
    pub(crate) fn into_locked(mut self) -> Option<P::Page> {
        self.page.take()
    }
}

impl<P: Platform> Drop for LockedPage<'_, P> {
    fn drop(&mut self) {
        if let Some(page) = &self.page {
            P::unlock_page(&self.frame.0.fault, page);
        }
    }
}

/// A page that is locked outside hooks. From [`UnlockedCtx::lock_page`](crate::UnlockedCtx::lock_page). Dropping it
/// unlocks the page.
///
/// ```
/// use vmctx::{MaySleep, PageOffset, Platform, RwLock, SharedObject, UnlockedCtx};
///
/// /// Truncates an object by its last page, in an ioctl.
/// fn truncate<P: Platform>(
///     unlocked: &mut UnlockedCtx<'_, P>,
///     object: &SharedObject<P>,
///     pages: &P::RwLock<Vec<P::Page>>,
/// ) {
///     let Some(page) = pages.write(unlocked.may_sleep()).pop() else { return };
///     let at = PageOffset::new(pages.read(unlocked.may_sleep()).len());
///     unlocked.lock_page(&page).unmap(object, at);
/// }
/// ```
#[must_use = "dropping it at once unlocks the page again: `let lock = unlocked.lock_page(&page);`"]
pub struct PageLock<'l, P: Platform> {
    page: P::Page,
    caller: Held<&'l P::Caller>,
    brand: Invariant<'l>,
    _thread: OneThread,
}

/// The lock. Not an associated function of [`PageLock`], which rustc would suggest to whoever tries a literal.
#[track_caller]
pub(crate) fn caller_lock_page<'l, P: Platform>(caller: &'l P::Caller, page: &P::Page) -> PageLock<'l, P> {
    P::caller_lock_page(caller, page);
    PageLock { page: page.clone(), caller: Held(caller), brand: PhantomData, _thread: OneThread::MARK }
}

impl<P: Platform> PageLock<'_, P> {
    /// The right to sleep, for as long as the page is locked: to unmap it.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        may_sleep()
    }
}

/// Taking the page from its users.
impl<P: Platform> PageLock<'_, P> {
    /// Takes the page at `at` of an object out of every mapping (`unmap_mapping_folio`): the locked page, if the object
    /// has it there. Hooks that [deliver it locked](crate::FaultCtx::deliver_locked), or
    /// [allow a store with it locked](crate::PageMkwriteCtx::allow_locked), wait for this lock, so that none of them
    /// brings it back until the lock is dropped: that is truncation, if the driver has taken the page out of its object
    /// by then, and what comes before a page is written back.
    #[track_caller]
    pub fn unmap(&self, object: &SharedObject<P>, at: PageOffset) {
        object.unmap_once(at, PageCount::new(1), self.may_sleep());
    }
}

impl<P: Platform> Drop for PageLock<'_, P> {
    fn drop(&mut self) {
        P::caller_unlock_page(self.caller.0, &self.page);
    }
}
