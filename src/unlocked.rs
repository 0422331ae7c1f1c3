//! The proof that no hook is running.

use core::marker::PhantomData;

use crate::{
    errno::Errno,
    established::{self, EstablishedCtx},
    frame::Frame,
    guidance::HoldsAMapping,
    ops::VmOperations,
    page_lock::{PageLock, caller_lock_page},
    platform::Platform,
    sleep::{MaySleep, may_sleep},
    token::{Held, Invariant, OneThread},
    units::{PageCount, PageOffset, UserAddr},
    wait::Ticket,
};

/// The proof that this thread holds no mmap lock and runs no mmap or fault hook. Handed to ioctl-like hooks, and to the
/// removal of a device, by [`entry::unlocked`](crate::entry::unlocked).
///
/// With it, and only with it, an established mapping can be locked: [`Handle::lock`](crate::Handle::lock), or
/// [`find`](Self::find). Both borrow it mutably: one lock at a time.
///
/// Not `Clone`, `Send` or `Sync`, and it cannot outlive the hook.
///
/// ```
/// use vmctx::{Errno, PageCount, PageOffset, Platform, UnlockedCtx, UserAddr, VmOperations};
///
/// /// An ioctl that takes the first page of the mapping at an address away.
/// fn forget<P: Platform, V: VmOperations<Platform = P>>(
///     unlocked: &mut UnlockedCtx<'_, P>,
///     address: UserAddr,
/// ) -> Result<(), Errno> {
///     let established = unlocked.find::<V>(address)?;
///     established.zap(PageOffset::ZERO, PageCount::new(1));
///     Ok(())
/// }
/// ```
pub struct UnlockedCtx<'u, P: Platform> {
    caller: Held<P::Caller>,
    brand: Invariant<'u>,
    _thread: OneThread,
}

/// Makes the token. Not an associated function of [`UnlockedCtx`], which rustc would suggest to whoever tries a
/// literal.
pub(crate) fn unlocked<'u, P: Platform>(caller: P::Caller) -> UnlockedCtx<'u, P> {
    UnlockedCtx { caller: Held(caller), brand: PhantomData, _thread: OneThread::MARK }
}

impl<P: Platform> UnlockedCtx<'_, P> {
    /// The right to sleep, for as long as this context is borrowed.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        may_sleep()
    }

    /// Locks a page (`lock_page`), to take it out of the object and then out of every mapping
    /// ([`PageLock::unmap`]), as truncation does. A fault that looks under the same
    /// lock and [delivers the page locked](crate::FaultCtx::deliver_locked) has either mapped it before this, or sees
    /// that it has gone. A store that was [allowed with the page locked](crate::PageMkwriteCtx::allow_locked) happened
    /// before this, and a later one is told to the driver anew.
    ///
    /// Whoever holds the page lock must not wait for the mmap lock, so this borrows the proof as well.
    #[track_caller]
    pub fn lock_page(&mut self, page: &P::Page) -> PageLock<'_, P> {
        caller_lock_page(&self.caller.0, page)
    }

    /// Waits until the queue is woken, as a fault does. It returns at once if that has happened since the ticket was
    /// taken.
    ///
    /// # Errors
    /// EINTR or ERESTARTSYS if the thread is to die; ENOSYS on a platform whose system calls cannot wait.
    #[track_caller]
    pub fn wait(&self, since: Ticket<'_, P::WaitQueue>) -> Result<(), Errno> {
        P::caller_wait(&self.caller.0, since.queue, since.wakes)
    }

    /// The mapping at an address of the calling process, if its state is a `V`. It is for a system call that is given
    /// an address; a driver that keeps [handles](crate::Handle) needs none.
    ///
    /// The type of the state is compared. Whose mapping it is among all those of that type,
    /// [`state`](EstablishedCtx::state) says. Of several mappings that share the state it is the one at this address, as a
    /// [handle](crate::Handle) is of the one that it was made of.
    ///
    /// # Errors
    /// EFAULT if nothing is mapped there, EINVAL if it is somebody else's mapping, ESRCH if the caller has no address
    /// space (any more); EDEADLK where a platform notices that the lock would be waited for in vain.
    #[doc(alias("find_vma", "vma_lookup"))]
    #[track_caller]
    pub fn find<V: VmOperations<Platform = P>>(
        &mut self,
        address: UserAddr,
    ) -> Result<EstablishedCtx<'_, P, V::Kind>, Errno> {
        let vma = P::lock_at::<V>(&self.caller.0, address)?;
        let base = P::established_state::<V>(&vma).map_or(PageOffset::ZERO, |state| V::HOOKS.base(state));
        Ok(established::established(vma, base))
    }
}

// What it refuses, with what to write instead.
include!("refused/unlocked.rs");
