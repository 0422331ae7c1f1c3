//! Locks of drivers, and the order in which they are taken.

use std::{
    cell::RefCell,
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use vmctx::{Errno, MaySleep};

use crate::{
    atomic::{Spinning, might_sleep},
    hook,
    report::MightSleep,
};

/// A lock for a driver's state: the platform's [`RwLock`](vmctx::Platform::RwLock).
///
/// It remembers whether a hook that runs under the mmap lock has ever taken it, or waited for it. If so, the mmap lock
/// must not be waited for while it is held: there the order is the other, and sooner or later two threads would wait
/// for each other. [`Handle::lock`](vmctx::Handle::lock) and [`UnlockedCtx::find`](vmctx::UnlockedCtx::find) fail with
/// EDEADLK then, whether or not it would have happened this time.
pub struct RwLock<T> {
    value: parking_lot::RwLock<T>,
    taken_in_hook: Arc<AtomicBool>,
}

/// A lock for a driver's state: the platform's [`Mutex`](vmctx::Platform::Mutex). It remembers what a [`RwLock`] does.
pub struct Mutex<T> {
    value: parking_lot::Mutex<T>,
    taken_in_hook: Arc<AtomicBool>,
}

/// A lock for a driver's state: the platform's [`SpinLock`](vmctx::Platform::SpinLock). It remembers what a [`RwLock`]
/// does, and as long as a thread holds it, whatever that thread calls that may sleep is
/// [reported](crate::Report::SleptUnderSpinLock).
pub struct SpinLock<T> {
    value: parking_lot::Mutex<T>,
    taken_in_hook: Arc<AtomicBool>,
}

/// A [`RwLock`], held to read.
pub struct ReadGuard<'a, T> {
    value: parking_lot::RwLockReadGuard<'a, T>,
    _held: Held,
}

/// A [`RwLock`], held to change.
pub struct WriteGuard<'a, T> {
    value: parking_lot::RwLockWriteGuard<'a, T>,
    _held: Held,
}

/// A [`Mutex`], held.
pub struct MutexGuard<'a, T> {
    value: parking_lot::MutexGuard<'a, T>,
    _held: Held,
}

/// A [`SpinLock`], held.
pub struct SpinGuard<'a, T> {
    value: parking_lot::MutexGuard<'a, T>,
    _held: Held,
    _spinning: Spinning,
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for SpinGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// Whether this thread holds a driver's lock.
pub(crate) fn holds_any() -> bool {
    HELD.with_borrow(|held| !held.is_empty())
}

thread_local! {
    /// The locks that this thread holds: for each the mark whether a hook has ever taken it.
    static HELD: RefCell<Vec<Arc<AtomicBool>>> = const { RefCell::new(Vec::new()) };
}

/// Whether this thread holds a lock that a hook takes, or waits for, under the mmap lock.
pub(crate) fn holds_a_hooks_lock() -> bool {
    HELD.with_borrow(|held| held.iter().any(|mark| mark.load(Ordering::Relaxed)))
}

/// A hook takes this lock, or is about to wait for it.
fn mark_if_in_hook(mark: &AtomicBool) {
    if hook::under_mmap_lock().is_some() {
        mark.store(true, Ordering::Relaxed);
    }
}

/// This thread holds a lock, until the value is dropped: by the same thread, because the guard beside it is not `Send`.
struct Held(Arc<AtomicBool>);

impl Held {
    fn note(mark: &Arc<AtomicBool>) -> Self {
        mark_if_in_hook(mark);
        HELD.with_borrow_mut(|held| held.push(Arc::clone(mark)));
        Self(Arc::clone(mark))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.with_borrow_mut(|held| {
            if let Some(index) = held.iter().rposition(|mark| Arc::ptr_eq(mark, &self.0)) {
                held.swap_remove(index);
            }
        });
    }
}

impl<T: Send + Sync + 'static> vmctx::RwLock<T> for RwLock<T> {
    type Read<'a> = ReadGuard<'a, T>;
    type Write<'a> = WriteGuard<'a, T>;

    #[track_caller]
    fn new(value: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        might_sleep(MightSleep::Allocation);
        Ok(Self { value: parking_lot::RwLock::new(value), taken_in_hook: Arc::default() })
    }

    #[track_caller]
    fn read(&self, _: MaySleep<'_>) -> ReadGuard<'_, T> {
        might_sleep(MightSleep::Lock);
        // Before it waits: whoever holds the lock may be about to wait for the mmap lock that the hook has.
        mark_if_in_hook(&self.taken_in_hook);
        ReadGuard { value: self.value.read(), _held: Held::note(&self.taken_in_hook) }
    }

    fn try_read(&self) -> Option<ReadGuard<'_, T>> {
        Some(ReadGuard { value: self.value.try_read()?, _held: Held::note(&self.taken_in_hook) })
    }

    #[track_caller]
    fn write(&self, _: MaySleep<'_>) -> WriteGuard<'_, T> {
        might_sleep(MightSleep::Lock);
        mark_if_in_hook(&self.taken_in_hook);
        WriteGuard { value: self.value.write(), _held: Held::note(&self.taken_in_hook) }
    }

    fn try_write(&self) -> Option<WriteGuard<'_, T>> {
        Some(WriteGuard { value: self.value.try_write()?, _held: Held::note(&self.taken_in_hook) })
    }
}

impl<T: Send + 'static> vmctx::Mutex<T> for Mutex<T> {
    type Guard<'a> = MutexGuard<'a, T>;

    #[track_caller]
    fn new(value: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        might_sleep(MightSleep::Allocation);
        Ok(Self { value: parking_lot::Mutex::new(value), taken_in_hook: Arc::default() })
    }

    #[track_caller]
    fn lock(&self, _: MaySleep<'_>) -> MutexGuard<'_, T> {
        might_sleep(MightSleep::Lock);
        mark_if_in_hook(&self.taken_in_hook);
        MutexGuard { value: self.value.lock(), _held: Held::note(&self.taken_in_hook) }
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        Some(MutexGuard { value: self.value.try_lock()?, _held: Held::note(&self.taken_in_hook) })
    }
}

impl<T: Send + 'static> vmctx::SpinLock<T> for SpinLock<T> {
    type Guard<'a> = SpinGuard<'a, T>;

    #[track_caller]
    fn new(value: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        might_sleep(MightSleep::Allocation);
        Ok(Self { value: parking_lot::Mutex::new(value), taken_in_hook: Arc::default() })
    }

    #[track_caller]
    fn lock(&self) -> SpinGuard<'_, T> {
        mark_if_in_hook(&self.taken_in_hook);
        let value = self.value.lock();
        SpinGuard { value, _held: Held::note(&self.taken_in_hook), _spinning: Spinning::note() }
    }

    #[track_caller]
    fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        let value = self.value.try_lock()?;
        Some(SpinGuard { value, _held: Held::note(&self.taken_in_hook), _spinning: Spinning::note() })
    }
}
