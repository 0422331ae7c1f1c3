//! Handles of mappings, to come back to them from outside their hooks.

use core::marker::PhantomData;

use crate::{
    errno::Errno,
    established::{EstablishedCtx, established},
    kind::Kind,
    platform::Platform,
    sleep::MaySleep,
    units::{PageCount, PageOffset},
    unlocked::UnlockedCtx,
};

/// A mapping to come back to, made by its own mmap hook: [`MmapCtx::handle`](crate::MmapCtx::handle). Keep it in the
/// file or the device, for an ioctl or a shrinker.
///
/// It keeps neither the mapping nor the process alive. Each use takes the process's mmap lock and looks whether the
/// mapping is still there, by the state that it was established with. It never looks by address, where another mapping
/// may be by then (CVE-2026-43434).
///
/// What is found is all that the process has mapped with that state. Where [one state is
/// shared](crate::MmapCtx::establish_shared) by several mappings, an insertion goes to the one that the handle was made
/// of, as long as that shows the page where it did then; else to another that shows it: of these to the one whose first
/// page of the object comes first, and of such that begin alike to the one with the lowest address. It cannot be told
/// where a mapping has moved to that has its state in common with others, so mappings that are to be told apart get a
/// state each. Zapping and write-protecting reach all of them.
///
/// ```
/// use vmctx::{Errno, Handle, Mapped, Mixed, MmapCtx, Platform, VmOperations};
///
/// fn mmap<'m, P: Platform, V: VmOperations<Platform = P, Kind = Mixed>>(
///     ctx: MmapCtx<'m, P>,
///     state: V,
///     keep: impl FnOnce(Handle<P, Mixed>),
/// ) -> Result<Mapped<'m>, Errno> {
///     let ctx = ctx.writable().establish(state)?;
///     keep(ctx.handle()?);
///     Ok(ctx.fill_later())
/// }
/// ```
pub struct Handle<P: Platform, M> {
    raw: P::Handle,
    /// From where on the mapping's page offsets count.
    base: PageOffset,
    kind: PhantomData<fn(M) -> M>,
}

/// Makes the handle, of a mapping of this kind.
pub(crate) fn handle<P: Platform, M>(raw: P::Handle, base: PageOffset) -> Handle<P, M> {
    Handle { raw, base, kind: PhantomData }
}

impl<P: Platform, M: Kind> Handle<P, M> {
    /// Takes the mmap lock of the mapping's process for read, and finds the mapping.
    ///
    /// A lock that the driver's mmap or fault hook takes must not be held meanwhile: the hook takes it under the mmap
    /// lock, and this would take them in the other order.
    ///
    /// # Errors
    /// ESRCH if the process has gone, EFAULT if the mapping has; EDEADLK where a platform notices a lock held that a
    /// hook takes.
    #[doc(alias = "mmap_read_lock")]
    #[track_caller]
    pub fn lock<'u>(&self, unlocked: &'u mut UnlockedCtx<'_, P>) -> Result<EstablishedCtx<'u, P, M>, Errno> {
        let _ = unlocked;
        P::lock_handle(&self.raw, true).map(|vma| established(vma, self.base))
    }

    /// The same without waiting.
    ///
    /// # Errors
    /// EAGAIN where it would have to wait; else as [`lock`](Self::lock).
    #[doc(alias = "mmap_read_trylock")]
    pub fn try_lock<'u>(&self, unlocked: &'u mut UnlockedCtx<'_, P>) -> Result<EstablishedCtx<'u, P, M>, Errno> {
        let _ = unlocked;
        P::lock_handle(&self.raw, false).map(|vma| established(vma, self.base))
    }

    /// Takes away what is mapped of `count` pages of the object from `first` on, if the mmap lock can be had without
    /// waiting. The next touch faults. This needs no [`UnlockedCtx`], so that a shrinker can do it wherever it may
    /// sleep.
    ///
    /// # Errors
    /// As [`try_lock`](Self::try_lock).
    #[doc(alias = "zap_page_range_single")]
    #[track_caller]
    pub fn try_zap(&self, first: PageOffset, count: PageCount, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let _ = may_sleep;
        let mapped: EstablishedCtx<'_, P, M> = established(P::lock_handle(&self.raw, false)?, self.base);
        mapped.zap(first, count);
        Ok(())
    }
}

// What it refuses, with what to write instead.
include!("refused/handle.rs");
