//! A lock of the platform's.

use core::ops::{Deref, DerefMut};

use crate::{errno::Errno, sleep::MaySleep};

/// A value behind a lock that many may hold to read it, or one to change it (`rw_semaphore`). It is the platform's own
/// lock, so that whoever waits for it sleeps as the platform's threads do.
///
/// A driver's state is shared by all its faults, and this is how they change it:
///
/// ```
/// use vmctx::{Errno, FaultCtx, MaySleep, Normal, Platform, RwLock, VmFault, VmOperations};
///
/// /// Gives out as many pages as it has credit for.
/// struct Meter<P: Platform> {
///     page: P::Page,
///     credit: P::RwLock<usize>,
/// }
///
/// impl<P: Platform> Meter<P> {
///     fn new(page: P::Page, credit: usize, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
///         Ok(Self { page, credit: P::RwLock::new(credit, may_sleep)? })
///     }
/// }
///
/// impl<P: Platform> VmOperations for Meter<P> {
///     type Platform = P;
///     type Kind = Normal;
///
///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
///         let mut credit = self.credit.write(ctx.may_sleep());
///         match credit.checked_sub(1) {
///             Some(left) => *credit = left,
///             None => return ctx.fail(Errno::EDQUOT),
///         }
///         drop(credit);
///         ctx.deliver(self.page.clone())
///     }
/// }
/// ```
///
/// A lock that a mmap or fault hook takes must not be held while [`Handle::lock`](crate::Handle::lock) is called. The
/// hook takes the mmap lock first and this one second; the other order deadlocks.
pub trait RwLock<T>: Sized + Send + Sync + 'static {
    /// The lock, held to read.
    type Read<'a>: Deref<Target = T>;

    /// The lock, held to change.
    type Write<'a>: DerefMut<Target = T>;

    /// A lock around the value. Nobody holds it yet.
    ///
    /// # Errors
    /// ENOMEM; the value is dropped.
    fn new(value: T, may_sleep: MaySleep<'_>) -> Result<Self, Errno>;

    /// Waits until nobody changes the value, and keeps others from changing it while the guard is there.
    fn read(&self, may_sleep: MaySleep<'_>) -> Self::Read<'_>;

    /// The same, or `None` where that would have to wait.
    fn try_read(&self) -> Option<Self::Read<'_>>;

    /// Waits until nobody else reads or changes the value, and keeps others from it while the guard is there.
    fn write(&self, may_sleep: MaySleep<'_>) -> Self::Write<'_>;

    /// The same, or `None` where that would have to wait.
    fn try_write(&self) -> Option<Self::Write<'_>>;
}
