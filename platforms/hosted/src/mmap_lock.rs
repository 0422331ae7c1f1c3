//! The mmap lock: for many readers at once, which do not write to the same memory for it.
//!
//! Linux's faults take locks of their VMAs for the same reason (`lock_vma_under_rcu`). Here each thread that reads takes
//! one of several locks, and whoever writes takes them all.

use std::{
    marker::PhantomData,
    mem,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{
    RawRwLock,
    lock_api::{self, GuardNoSend, RawRwLockRecursive, RawRwLockTimed},
};

use crate::{
    sharded::{self, Apart, SHARDS},
    vma::{Hosted, Space},
};

/// The mmap lock, and what it protects.
pub struct MmapLock<P: Hosted>(lock_api::RwLock<RawMmapLock, Space<P>>);

impl<P: Hosted> Default for MmapLock<P> {
    fn default() -> Self {
        Self(lock_api::RwLock::default())
    }
}

impl<P: Hosted> MmapLock<P> {
    /// Waits until it can be held for read.
    #[inline]
    #[must_use]
    pub fn read(&self) -> ReadGuard<'_, P> {
        ReadGuard(self.0.read())
    }

    /// Waits until it can be held for read, ahead of whoever waits to hold it for write: for a thread that may hold it for
    /// read already, or is waited for by one that does.
    #[inline]
    #[must_use]
    pub fn read_recursive(&self) -> ReadGuard<'_, P> {
        ReadGuard(self.0.read_recursive())
    }

    pub(crate) fn try_read(&self) -> Option<ReadGuard<'_, P>> {
        self.0.try_read().map(ReadGuard)
    }

    pub(crate) fn try_read_for(&self, timeout: Duration) -> Option<ReadGuard<'_, P>> {
        self.0.try_read_for(timeout).map(ReadGuard)
    }

    /// Waits until it can be held for write.
    #[inline]
    #[must_use]
    pub fn write(self: &Arc<Self>) -> WriteLock<P> {
        // It is kept as the value that is made here.
        mem::forget(self.0.write());
        WriteLock { lock: Arc::clone(self), thread: PhantomData }
    }
}

/// It is held for read by whoever has this.
pub struct ReadGuard<'a, P: Hosted>(lock_api::RwLockReadGuard<'a, RawMmapLock, Space<P>>);

impl<P: Hosted> Deref for ReadGuard<'_, P> {
    type Target = Space<P>;

    #[inline]
    fn deref(&self) -> &Space<P> {
        &self.0
    }
}

/// It is held for write by whoever has this.
///
/// # Invariants
/// The lock is held for write, by this value, which stays with its thread.
pub struct WriteLock<P: Hosted> {
    lock: Arc<MmapLock<P>>,
    thread: PhantomData<*mut ()>,
}

impl<P: Hosted> Deref for WriteLock<P> {
    type Target = Space<P>;

    #[inline]
    fn deref(&self) -> &Space<P> {
        // SAFETY: the invariant: the lock is held for write.
        #[expect(unsafe_code, reason = "the lock is held: see above")]
        unsafe {
            &*self.lock.0.data_ptr()
        }
    }
}

impl<P: Hosted> DerefMut for WriteLock<P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Space<P> {
        // SAFETY: the invariant: the lock is held for write, and this borrows what holds it.
        #[expect(unsafe_code, reason = "the lock is held: see above")]
        unsafe {
            &mut *self.lock.0.data_ptr()
        }
    }
}

impl<P: Hosted> Drop for WriteLock<P> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the invariant: this value has the lock, and is gone.
        #[expect(unsafe_code, reason = "the lock is held: see above")]
        unsafe {
            self.lock.0.force_unlock_write();
        }
    }
}

/// The lock without what it protects.
struct RawMmapLock {
    shards: [Apart<RawRwLock>; SHARDS],
}

impl RawMmapLock {
    /// The lock that this thread takes to read.
    #[inline]
    fn mine(&self) -> &RawRwLock {
        let [first, ..] = &self.shards;
        &self.shards.get(sharded::of_this_thread()).unwrap_or(first).0
    }

    /// Takes all of the locks, each by `take`, or none.
    fn take_all(&self, mut take: impl FnMut(&RawRwLock) -> bool) -> bool {
        for (index, shard) in self.shards.iter().enumerate() {
            if !take(&shard.0) {
                for taken in self.shards.iter().take(index) {
                    // SAFETY: it was taken in an earlier turn.
                    #[expect(unsafe_code, reason = "the lock is held: see above")]
                    unsafe {
                        lock_api::RawRwLock::unlock_exclusive(&taken.0);
                    }
                }
                return false;
            }
        }
        true
    }
}

// SAFETY: whoever writes has all of the locks, and whoever reads has one of them, so they exclude each other. A thread's
// lock stays the same one and guards are not `Send`, so what is unlocked was locked.
#[expect(unsafe_code, reason = "the promise that it excludes cannot be checked")]
unsafe impl lock_api::RawRwLock for RawMmapLock {
    const INIT: Self = Self { shards: [const { Apart(<RawRwLock as lock_api::RawRwLock>::INIT) }; SHARDS] };

    type GuardMarker = GuardNoSend;

    #[inline]
    fn lock_shared(&self) {
        self.mine().lock_shared();
    }

    #[inline]
    fn try_lock_shared(&self) -> bool {
        self.mine().try_lock_shared()
    }

    #[inline]
    unsafe fn unlock_shared(&self) {
        // SAFETY: by this function's contract, this thread has locked it.
        unsafe { self.mine().unlock_shared() };
    }

    fn lock_exclusive(&self) {
        self.take_all(|lock| {
            lock.lock_exclusive();
            true
        });
    }

    fn try_lock_exclusive(&self) -> bool {
        self.take_all(lock_api::RawRwLock::try_lock_exclusive)
    }

    unsafe fn unlock_exclusive(&self) {
        for shard in &self.shards {
            // SAFETY: by this function's contract, all of them are held.
            unsafe { shard.0.unlock_exclusive() };
        }
    }
}

// SAFETY: the same locks are taken as without a limit.
#[expect(unsafe_code, reason = "the promise that it excludes cannot be checked")]
unsafe impl RawRwLockTimed for RawMmapLock {
    type Duration = Duration;
    type Instant = Instant;

    fn try_lock_shared_for(&self, timeout: Duration) -> bool {
        self.mine().try_lock_shared_for(timeout)
    }

    fn try_lock_shared_until(&self, timeout: Instant) -> bool {
        self.mine().try_lock_shared_until(timeout)
    }

    fn try_lock_exclusive_for(&self, timeout: Duration) -> bool {
        match Instant::now().checked_add(timeout) {
            Some(end) => self.try_lock_exclusive_until(end),
            None => {
                lock_api::RawRwLock::lock_exclusive(self);
                true
            }
        }
    }

    fn try_lock_exclusive_until(&self, timeout: Instant) -> bool {
        self.take_all(|lock| lock.try_lock_exclusive_until(timeout))
    }
}

// SAFETY: the same locks are taken as by whoever has none yet.
#[expect(unsafe_code, reason = "the promise that it excludes cannot be checked")]
unsafe impl RawRwLockRecursive for RawMmapLock {
    fn lock_shared_recursive(&self) {
        self.mine().lock_shared_recursive();
    }

    fn try_lock_shared_recursive(&self) -> bool {
        self.mine().try_lock_shared_recursive()
    }
}

/// The mmap lock, held for read, by whoever has this, with a share of the lock: for who outlives what he has it from. A fault,
/// of which there are many, borrows it by a [`ReadGuard`].
///
/// # Invariants
/// The lock is held for read, by this value, which stays with its thread.
pub(crate) struct ReadLock<P: Hosted> {
    lock: Arc<MmapLock<P>>,
    thread: PhantomData<*mut ()>,
}

impl<P: Hosted> ReadLock<P> {
    /// Waits for it.
    #[inline]
    #[must_use]
    pub(crate) fn wait(lock: &Arc<MmapLock<P>>) -> Self {
        // It is kept as the value that is made here.
        mem::forget(lock.0.read());
        Self { lock: Arc::clone(lock), thread: PhantomData }
    }

    /// Takes over what `try_take` has got; `None` if it got nothing.
    pub(crate) fn by(
        lock: &Arc<MmapLock<P>>,
        try_take: impl FnOnce(&MmapLock<P>) -> Option<ReadGuard<'_, P>>,
    ) -> Option<Self> {
        mem::forget(try_take(lock)?);
        Some(Self { lock: Arc::clone(lock), thread: PhantomData })
    }
}

impl<P: Hosted> Deref for ReadLock<P> {
    type Target = Space<P>;

    #[inline]
    fn deref(&self) -> &Space<P> {
        // SAFETY: the invariant: the lock is held for read.
        #[expect(unsafe_code, reason = "the lock is held: see above")]
        unsafe {
            &*self.lock.0.data_ptr()
        }
    }
}

impl<P: Hosted> Drop for ReadLock<P> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the invariant: this value has the lock, and is gone.
        #[expect(unsafe_code, reason = "the lock is held: see above")]
        unsafe {
            self.lock.0.force_unlock_read();
        }
    }
}
