//! Locks of drivers.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use vmctx::{Errno, MaySleep};

use crate::{
    atomic::{Spinning, might_sleep},
    order::{Held, Mode, Order},
    report::MightSleep,
    waiting::wait,
};

/// A lock for a driver's state: the platform's [`RwLock`](vmctx::Platform::RwLock).
///
/// It remembers whether a thread that has the mmap lock, mostly in a hook, has ever waited for it. If so, the mmap lock
/// must not be waited for while it is held: there the order is the other, and sooner or later two threads would wait
/// for each other. [`Handle::lock`](vmctx::Handle::lock) and [`UnlockedCtx::find`](vmctx::UnlockedCtx::find) fail with
/// EDEADLK then, whether or not it would have happened this time. Whichever comes first, both places are
/// [reported](crate::Report::MmapLockUnderLock) as soon as both have been seen; so is
/// [user memory](crate::Report::UserMemoryUnderLock) that was touched while it was held, and
/// [other locks](crate::Report::LockOrders) if they were taken in a circle.
///
/// To wait for it with nothing but this very thread in the way would be for ever, and panics. (Two reads may lie in one
/// another, although on Linux they must not.)
pub struct RwLock<T> {
    value: parking_lot::RwLock<T>,
    order: Arc<Order>,
}

/// A lock for a driver's state: the platform's [`Mutex`](vmctx::Platform::Mutex). It remembers what a [`RwLock`] does.
pub struct Mutex<T> {
    value: parking_lot::Mutex<T>,
    order: Arc<Order>,
}

/// A lock for a driver's state: the platform's [`SpinLock`](vmctx::Platform::SpinLock). It remembers what a [`RwLock`]
/// does, and as long as a thread holds it, whatever that thread calls that may sleep is
/// [reported](crate::Report::SleptUnderSpinLock).
pub struct SpinLock<T> {
    value: parking_lot::Mutex<T>,
    order: Arc<Order>,
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

impl<T: Send + Sync + 'static> vmctx::RwLock<T> for RwLock<T> {
    type Read<'a> = ReadGuard<'a, T>;
    type Write<'a> = WriteGuard<'a, T>;

    #[track_caller]
    fn new(value: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        might_sleep(MightSleep::Allocation);
        Ok(Self { value: parking_lot::RwLock::new(value), order: Order::new() })
    }

    #[track_caller]
    fn read(&self, _: MaySleep<'_>) -> ReadGuard<'_, T> {
        might_sleep(MightSleep::Lock);
        self.order.before_waiting(Mode::Shared);
        let value = if self.order.is_held() {
            // Ahead of whoever waits to change it: that one waits for this thread.
            self.value.read_recursive()
        } else {
            self.value.try_read().unwrap_or_else(|| wait(|| self.value.read()))
        };
        ReadGuard { value, _held: Held::note(&self.order, Mode::Shared) }
    }

    #[track_caller]
    fn try_read(&self) -> Option<ReadGuard<'_, T>> {
        Some(ReadGuard { value: self.value.try_read()?, _held: Held::note(&self.order, Mode::Shared) })
    }

    #[track_caller]
    fn write(&self, _: MaySleep<'_>) -> WriteGuard<'_, T> {
        might_sleep(MightSleep::Lock);
        self.order.before_waiting(Mode::Exclusive);
        WriteGuard {
            value: self.value.try_write().unwrap_or_else(|| wait(|| self.value.write())),
            _held: Held::note(&self.order, Mode::Exclusive),
        }
    }

    #[track_caller]
    fn try_write(&self) -> Option<WriteGuard<'_, T>> {
        Some(WriteGuard { value: self.value.try_write()?, _held: Held::note(&self.order, Mode::Exclusive) })
    }
}

impl<T: Send + 'static> vmctx::Mutex<T> for Mutex<T> {
    type Guard<'a> = MutexGuard<'a, T>;

    #[track_caller]
    fn new(value: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        might_sleep(MightSleep::Allocation);
        Ok(Self { value: parking_lot::Mutex::new(value), order: Order::new() })
    }

    #[track_caller]
    fn lock(&self, _: MaySleep<'_>) -> MutexGuard<'_, T> {
        might_sleep(MightSleep::Lock);
        self.order.before_waiting(Mode::Exclusive);
        MutexGuard {
            value: self.value.try_lock().unwrap_or_else(|| wait(|| self.value.lock())),
            _held: Held::note(&self.order, Mode::Exclusive),
        }
    }

    #[track_caller]
    fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        Some(MutexGuard { value: self.value.try_lock()?, _held: Held::note(&self.order, Mode::Exclusive) })
    }
}

impl<T: Send + 'static> vmctx::SpinLock<T> for SpinLock<T> {
    type Guard<'a> = SpinGuard<'a, T>;

    #[track_caller]
    fn new(value: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        might_sleep(MightSleep::Allocation);
        Ok(Self { value: parking_lot::Mutex::new(value), order: Order::new() })
    }

    #[track_caller]
    fn lock(&self) -> SpinGuard<'_, T> {
        self.order.before_waiting(Mode::Exclusive);
        let value = self.value.try_lock().unwrap_or_else(|| wait(|| self.value.lock()));
        SpinGuard { value, _held: Held::note(&self.order, Mode::Exclusive), _spinning: Spinning::note() }
    }

    #[track_caller]
    fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        let value = self.value.try_lock()?;
        Some(SpinGuard { value, _held: Held::note(&self.order, Mode::Exclusive), _spinning: Spinning::note() })
    }
}
