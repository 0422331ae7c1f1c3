//! Handles of mappings, to come back to them from outside their hooks.

use core::marker::PhantomData;

use crate::{
    errno::Errno,
    kind::Mapping,
    mapped::{MappedCtx, mapped},
    platform::Platform,
    sleep::MaySleep,
    units::{PageCount, PageOffset},
    unlocked::UnlockedCtx,
};

/// A mapping to come back to, made by its own mmap hook: [`MmapCtx::handle`](crate::MmapCtx::handle). Keep it in the
/// file or the device, for an ioctl or a shrinker.
///
/// It keeps nothing alive: not the mapping, not the process. Whether the mapping is still there is looked up whenever it
/// is used, under the process's mmap lock: by the state that it was established with, never by its address, where
/// another one may be by then (CVE-2026-43434).
pub struct Handle<P: Platform, M> {
    raw: P::Handle,
    kind: PhantomData<fn(M) -> M>,
}

/// The handle, from a VMA of this kind.
pub(crate) fn handle<P: Platform, M>(raw: P::Handle) -> Handle<P, M> {
    Handle { raw, kind: PhantomData }
}

impl<P: Platform, M: Mapping> Handle<P, M> {
    /// Takes the mmap lock of the mapping's process for read, and finds the mapping.
    ///
    /// A lock that the driver's mmap or fault hook takes must not be held meanwhile: there the order is the other.
    ///
    /// # Errors
    /// ESRCH if the process has gone, EFAULT if the mapping has; EDEADLK where a platform notices a lock held that a
    /// hook takes.
    pub fn lock<'u>(&self, unlocked: &'u mut UnlockedCtx<'_, P>) -> Result<MappedCtx<'u, P, M>, Errno> {
        let _ = unlocked;
        P::lock_handle(&self.raw, true).map(mapped)
    }

    /// The same without waiting.
    ///
    /// # Errors
    /// EAGAIN where it would have to wait; else as [`lock`](Self::lock).
    pub fn try_lock<'u>(&self, unlocked: &'u mut UnlockedCtx<'_, P>) -> Result<MappedCtx<'u, P, M>, Errno> {
        let _ = unlocked;
        P::lock_handle(&self.raw, false).map(mapped)
    }

    /// Takes away what is mapped of `count` pages of the object from `first` on, if the mmap lock can be had without
    /// waiting: what a shrinker may do wherever it may sleep, for it needs no proof. The next touch faults.
    ///
    /// # Errors
    /// As [`try_lock`](Self::try_lock).
    pub fn try_zap(&self, first: PageOffset, count: PageCount, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let _ = may_sleep;
        let mapped: MappedCtx<'_, P, M> = P::lock_handle(&self.raw, false).map(mapped)?;
        mapped.zap(first, count);
        Ok(())
    }
}

include!("refused/handle.rs");
