//! The proof that no hook is running.

use core::marker::PhantomData;

use crate::{
    errno::Errno,
    frame::Frame,
    guidance::HoldsAMapping,
    mapped::{self, MappedCtx},
    ops::VmOperations,
    page_lock::{PageLock, caller_lock_page},
    platform::Platform,
    sleep::{MaySleep, may_sleep},
    token::{Held, Invariant},
    units::{PageCount, PageOffset, UserAddr},
};

/// The proof that this thread holds no mmap lock and runs no mmap or fault hook. Handed to ioctl-like hooks, and to the
/// removal of a device, by [`entry::unlocked`](crate::entry::unlocked).
///
/// With it, and only with it, an established mapping can be locked: [`Handle::lock`](crate::Handle::lock), or
/// [`find`](Self::find). Both borrow it mutably: one lock at a time.
///
/// Not `Clone`, `Send` or `Sync`, and it cannot outlive the hook.
pub struct UnlockedCtx<'u, P: Platform> {
    caller: Held<P::Caller>,
    brand: Invariant<'u>,
    thread: PhantomData<*mut UnlockedCtx<'static, P>>,
}

/// The token. Not an associated function of [`UnlockedCtx`], which rustc would suggest to whoever tries a literal.
pub(crate) fn unlocked<'u, P: Platform>(caller: P::Caller) -> UnlockedCtx<'u, P> {
    UnlockedCtx { caller: Held(caller), brand: PhantomData, thread: PhantomData }
}

impl<P: Platform> UnlockedCtx<'_, P> {
    /// The right to sleep, for as long as this context is borrowed.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        may_sleep()
    }

    /// Locks a page (`lock_page`), to take it out of the object and then out of every mapping
    /// ([`Mappings::unmap`](crate::Mappings::unmap)): truncation. A fault that has looked under the same lock, and
    /// [delivers the page locked](crate::FaultCtx::deliver_locked), has it mapped before or sees that it has gone. And a
    /// store that was [allowed with the page locked](crate::PageMkwriteCtx::allow_locked) is possible before, and told
    /// anew after.
    ///
    /// Under the page lock the mmap lock must not be waited for, so this borrows the proof as well.
    pub fn lock_page(&mut self, page: &P::Page) -> PageLock<'_, P> {
        caller_lock_page(&self.caller.0, page)
    }

    /// The mapping at an address of the calling process, if it runs V's operations: the way of a system call that is
    /// given an address and not the file's own memory of its mappings.
    ///
    /// That they are V's is told by V's type, kept beside the state. Whose mapping it is of all those that run them,
    /// says [`state`](MappedCtx::state).
    ///
    /// # Errors
    /// EFAULT if nothing is mapped there, EINVAL if it is somebody else's mapping, ESRCH if the caller has no address
    /// space (any more); EDEADLK where a platform notices that the lock would be waited for in vain.
    pub fn find<V: VmOperations<Platform = P>>(
        &mut self,
        address: UserAddr,
    ) -> Result<MappedCtx<'_, P, V::Mapping>, Errno> {
        P::lock_at::<V>(&self.caller.0, address).map(mapped::mapped)
    }
}

include!("refused/unlocked.rs");
