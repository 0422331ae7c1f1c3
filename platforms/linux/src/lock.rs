//! A lock of the kernel's around a value.

use core::{
    cell::UnsafeCell,
    ffi::c_void,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    ptr::NonNull,
};

use vmctx::{Errno, MaySleep, RwLock};

use crate::ffi;

/// A value, and a `struct rw_semaphore` in an allocation of the shim's.
///
/// # Invariants
/// The value is only reached through a guard, which holds the semaphore as its name says.
pub struct LinuxRwLock<T> {
    semaphore: NonNull<c_void>,
    value: UnsafeCell<T>,
}

// SAFETY: the semaphore may be used from any thread, and the value goes with the lock.
unsafe impl<T: Send> Send for LinuxRwLock<T> {}
// SAFETY: as for `Send`; many threads share the value while they read, and any of them may take it over to write.
unsafe impl<T: Send + Sync> Sync for LinuxRwLock<T> {}

/// A [`LinuxRwLock`] held to read. The thread that has taken it gives it back.
pub struct LinuxRead<'a, T> {
    lock: &'a LinuxRwLock<T>,
    thread: PhantomData<*mut ()>,
}

/// A [`LinuxRwLock`] held to change. The thread that has taken it gives it back.
pub struct LinuxWrite<'a, T> {
    lock: &'a LinuxRwLock<T>,
    thread: PhantomData<*mut ()>,
}

impl<T> LinuxRwLock<T> {
    const fn reading(&self) -> LinuxRead<'_, T> {
        LinuxRead { lock: self, thread: PhantomData }
    }

    const fn writing(&self) -> LinuxWrite<'_, T> {
        LinuxWrite { lock: self, thread: PhantomData }
    }
}

impl<T: Send + Sync + 'static> RwLock<T> for LinuxRwLock<T> {
    type Read<'a> = LinuxRead<'a, T>;
    type Write<'a> = LinuxWrite<'a, T>;

    fn new(value: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        // SAFETY: no preconditions beyond a context that may sleep.
        let semaphore = NonNull::new(unsafe { ffi::vmctx_rwsem_new() }).ok_or(Errno::ENOMEM)?;
        Ok(Self { semaphore, value: UnsafeCell::new(value) })
    }

    fn read(&self, _: MaySleep<'_>) -> LinuxRead<'_, T> {
        // SAFETY: the semaphore lives as long as `self`, and the caller may sleep.
        unsafe { ffi::down_read(self.semaphore.as_ptr()) };
        self.reading()
    }

    fn try_read(&self) -> Option<LinuxRead<'_, T>> {
        // SAFETY: the semaphore lives as long as `self`. Trying does not sleep.
        let taken = unsafe { ffi::down_read_trylock(self.semaphore.as_ptr()) } != 0;
        taken.then(|| self.reading())
    }

    fn write(&self, _: MaySleep<'_>) -> LinuxWrite<'_, T> {
        // SAFETY: as in `read`.
        unsafe { ffi::down_write(self.semaphore.as_ptr()) };
        self.writing()
    }

    fn try_write(&self) -> Option<LinuxWrite<'_, T>> {
        // SAFETY: as in `try_read`.
        let taken = unsafe { ffi::down_write_trylock(self.semaphore.as_ptr()) } != 0;
        taken.then(|| self.writing())
    }
}

impl<T> Drop for LinuxRwLock<T> {
    fn drop(&mut self) {
        // SAFETY: nobody holds or awaits it, since either borrows it.
        unsafe { ffi::vmctx_rwsem_free(self.semaphore.as_ptr()) };
    }
}

impl<T> Deref for LinuxRead<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: by the lock's invariant nobody changes the value while this is held.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> Drop for LinuxRead<'_, T> {
    fn drop(&mut self) {
        // SAFETY: this thread holds it to read.
        unsafe { ffi::up_read(self.lock.semaphore.as_ptr()) };
    }
}

impl<T> Deref for LinuxWrite<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: by the lock's invariant nobody else is at the value while this is held.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for LinuxWrite<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for LinuxWrite<'_, T> {
    fn drop(&mut self) {
        // SAFETY: this thread holds it to write.
        unsafe { ffi::up_write(self.lock.semaphore.as_ptr()) };
    }
}
