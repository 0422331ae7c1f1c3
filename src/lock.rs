//! Locks of the platform's.

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
#[doc(alias = "rw_semaphore")]
pub trait RwLock<T>: Sized + Send + Sync + 'static {
    /// The lock, held to read.
    type Read<'a>: Deref<Target = T>;

    /// The lock, held to change.
    type Write<'a>: DerefMut<Target = T>;

    /// A lock around the value. Nobody holds it yet.
    ///
    /// # Errors
    /// ENOMEM; the value is dropped.
    fn new(value: T, may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Result<Self, Errno>;

    /// Waits until nobody changes the value, and keeps others from changing it while the guard is there.
    ///
    /// Not while this thread has such a guard already: where another thread waits to change the value, Linux has a second
    /// reader wait behind that one, and neither goes on.
    fn read(&self, may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Self::Read<'_>;

    /// The same, or `None` where that would have to wait.
    fn try_read(&self) -> Option<Self::Read<'_>>;

    /// Waits until nobody else reads or changes the value, and keeps others from it while the guard is there.
    fn write(&self, may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Self::Write<'_>;

    /// The same, or `None` where that would have to wait.
    fn try_write(&self) -> Option<Self::Write<'_>>;
}

/// A value behind a lock that one at a time may hold (`struct mutex`). Who waits for it sleeps.
///
/// Where nobody reads without changing, it is this one and not a [`RwLock`]: it asks nothing of the value but [`Send`].
/// A `map_pages` hook, which must not sleep, can [try](Self::try_lock) it; what the hook has to have goes behind a
/// [`SpinLock`].
///
/// ```
/// use vmctx::{Errno, FaultCtx, MaySleep, Mixed, Mutex, Platform, VmFault, VmOperations};
///
/// /// Pages that are made when they are touched: two faults, one page.
/// struct Lazy<P: Platform> {
///     memory: P::Memory,
///     pages: P::Mutex<Vec<Option<P::Page>>>,
/// }
///
/// impl<P: Platform> Lazy<P> {
///     fn new(memory: P::Memory, count: usize, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
///         Ok(Self { memory, pages: P::Mutex::new(vec![None; count], may_sleep)? })
///     }
/// }
///
/// impl<P: Platform> VmOperations for Lazy<P> {
///     type Platform = P;
///     type Kind = Mixed;
///
///     fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
///         ctx.insert_page_with(|at| {
///             let mut pages = self.pages.lock(at.may_sleep());
///             let slot = pages.get_mut(at.pgoff().index()).ok_or(Errno::ENXIO)?;
///             if let Some(page) = slot {
///                 return Ok(page.clone());
///             }
///             Ok(slot.insert(P::alloc_page(&self.memory, at.may_sleep())?).clone())
///         })
///     }
/// }
/// ```
///
/// As with a [`RwLock`], a mutex that a mmap or fault hook takes must not be held while
/// [`Handle::lock`](crate::Handle::lock) is called.
#[doc(alias("mutex_lock", "mutex_trylock"))]
pub trait Mutex<T>: Sized + Send + Sync + 'static {
    /// The lock, held. It stays with the thread that has taken it: a platform's guards are not [`Send`].
    type Guard<'a>: DerefMut<Target = T>;

    /// A lock around the value. Nobody holds it yet.
    ///
    /// # Errors
    /// ENOMEM; the value is dropped.
    fn new(value: T, may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Result<Self, Errno>;

    /// Sleeps until nobody else holds the lock, and keeps others from the value while the guard is there
    /// (`mutex_lock`). Whoever holds it already sleeps for ever.
    #[doc(alias("mutex_lock", "mutex_unlock"))]
    fn lock(&self, may_sleep: MaySleep<'_> /* ctx.may_sleep(); in a `Drop`: P::SpinLock */) -> Self::Guard<'_>;

    /// The same, or `None` where that would have to wait (`mutex_trylock`).
    #[doc(alias = "mutex_trylock")]
    fn try_lock(&self) -> Option<Self::Guard<'_>>;
}

/// A value behind a lock that one at a time may hold, for moments (`spinlock_t`). Who waits for it does not sleep, so
/// it takes no [`MaySleep`], and may be waited for in every hook: in `map_pages`, which runs under RCU, and in `open`,
/// `close` and `may_split`, which have no token.
///
/// ```
/// use vmctx::{FaultCtx, Hooks, MapPagesCtx, Mixed, Platform, SpinLock, VmFault, VmOperations};
///
/// /// Pages of a cache that others fill and empty.
/// struct Cache<P: Platform> {
///     pages: P::SpinLock<Vec<Option<P::Page>>>,
/// }
///
/// impl<P: Platform> Cache<P> {
///     fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
///         for at in ctx.wanted() {
///             let page = self.pages.lock().get(at.index()).cloned().flatten();
///             if let Some(page) = page {
///                 ctx.prefault_page(at, &page);
///             }
///         }
///         ctx.finish()
///     }
/// }
///
/// impl<P: Platform> VmOperations for Cache<P> {
///     type Platform = P;
///     type Kind = Mixed;
///     const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);
/// }
/// ```
///
/// # While it is held
///
/// **Nothing may sleep while the guard is there**, although the right to sleep can be had in most hooks: no allocation,
/// no [`Mutex`] or [`RwLock`], no page lock, no wait, no unmapping, and none of the insertions but those of
/// `map_pages`, because the others allocate page tables. Copy out what is needed, drop the guard, and go on. Types do
/// not see to it: the right to sleep is a copy of one that may have been given out before. `sim` reports it, with both
/// places in the program, and Linux does with `CONFIG_DEBUG_ATOMIC_SLEEP`.
///
/// It is Linux's `spin_lock`, which turns preemption off, and neither `spin_lock_irqsave` nor `spin_lock_bh`:
/// interrupts stay on. An interrupt handler or a timer that took it on the same processor would wait for ever, so what
/// it guards is for hooks, system calls and threads of the kernel alone. With PREEMPT_RT it is a lock that sleeps,
/// which is allowed even under RCU there (`Documentation/locking/locktypes.rst`); the rule above stays the same.
#[doc(alias("spinlock_t", "spin_lock", "spin_trylock"))]
pub trait SpinLock<T>: Sized + Send + Sync + 'static {
    /// The lock, held. It stays with the thread that has taken it: a platform's guards are not [`Send`].
    type Guard<'a>: DerefMut<Target = T>;

    /// A lock around the value. Nobody holds it yet.
    ///
    /// # Errors
    /// ENOMEM; the value is dropped.
    fn new(value: T, may_sleep: MaySleep<'_> /* ctx.may_sleep() */) -> Result<Self, Errno>;

    /// Waits, without sleeping, until nobody else holds the lock, and keeps others from the value while the guard is
    /// there (`spin_lock`). Whoever holds it already waits for ever.
    #[doc(alias("spin_lock", "spin_unlock"))]
    fn lock(&self) -> Self::Guard<'_>;

    /// The same, or `None` where that would have to wait (`spin_trylock`).
    #[doc(alias = "spin_trylock")]
    fn try_lock(&self) -> Option<Self::Guard<'_>>;
}
