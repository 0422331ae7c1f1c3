//! Locks of the kernel's around a value.

use core::{
    cell::UnsafeCell,
    ffi::c_void,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    ptr::NonNull,
};

use vmctx::{Errno, MaySleep, Mutex, RwLock, SpinLock};

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

/// A lock of the kernel's that one at a time may hold, in an allocation of the shim's.
///
/// # Safety
/// Between a `lock`, or a `try_lock` that has succeeded, and the `unlock` that follows it nobody else gets so far with
/// the same pointer.
pub unsafe trait RawLock: 'static {
    /// A lock that nobody holds; null without memory. In a context that may sleep.
    fn allocate() -> *mut c_void;

    /// # Safety
    /// The lock is one of `allocate`'s, nobody holds or awaits it, and it is not used again.
    unsafe fn free(lock: *mut c_void);

    /// # Safety
    /// The lock is one of `allocate`'s, and this thread may sleep if waiting for it sleeps.
    unsafe fn lock(lock: *mut c_void);

    /// # Safety
    /// The lock is one of `allocate`'s.
    unsafe fn try_lock(lock: *mut c_void) -> bool;

    /// # Safety
    /// This thread holds the lock.
    unsafe fn unlock(lock: *mut c_void);
}

/// `struct mutex`.
pub enum RawMutex {}

// SAFETY: that is what a mutex is.
unsafe impl RawLock for RawMutex {
    fn allocate() -> *mut c_void {
        // SAFETY: no preconditions beyond a context that may sleep.
        unsafe { ffi::vmctx_mutex_new() }
    }

    unsafe fn free(lock: *mut c_void) {
        // SAFETY: by this function's contract.
        unsafe { ffi::vmctx_mutex_free(lock) };
    }

    unsafe fn lock(lock: *mut c_void) {
        // SAFETY: by this function's contract.
        unsafe { ffi::vmctx_mutex_lock(lock) };
    }

    unsafe fn try_lock(lock: *mut c_void) -> bool {
        // SAFETY: by this function's contract.
        unsafe { ffi::vmctx_mutex_trylock(lock) }
    }

    unsafe fn unlock(lock: *mut c_void) {
        // SAFETY: by this function's contract.
        unsafe { ffi::vmctx_mutex_unlock(lock) };
    }
}

/// `spinlock_t`. Held, it keeps this thread from being preempted, and interrupts on.
pub enum RawSpinLock {}

// SAFETY: that is what a spin lock is.
unsafe impl RawLock for RawSpinLock {
    fn allocate() -> *mut c_void {
        // SAFETY: no preconditions beyond a context that may sleep.
        unsafe { ffi::vmctx_spinlock_new() }
    }

    unsafe fn free(lock: *mut c_void) {
        // SAFETY: by this function's contract.
        unsafe { ffi::vmctx_spinlock_free(lock) };
    }

    unsafe fn lock(lock: *mut c_void) {
        // SAFETY: by this function's contract.
        unsafe { ffi::vmctx_spin_lock(lock) };
    }

    unsafe fn try_lock(lock: *mut c_void) -> bool {
        // SAFETY: by this function's contract.
        unsafe { ffi::vmctx_spin_trylock(lock) }
    }

    unsafe fn unlock(lock: *mut c_void) {
        // SAFETY: by this function's contract.
        unsafe { ffi::vmctx_spin_unlock(lock) };
    }
}

/// A value, and a lock that one at a time may hold.
///
/// # Invariants
/// `raw` is one of `R::allocate`'s. The value is only reached through a guard, which holds it.
pub struct LinuxLock<T, R: RawLock> {
    raw: NonNull<c_void>,
    value: UnsafeCell<T>,
    which: PhantomData<R>,
}

/// A value, and a `struct mutex`.
pub type LinuxMutex<T> = LinuxLock<T, RawMutex>;

/// A value, and a `spinlock_t`. It is allocated as the others are, because how large it is depends on the kernel's
/// configuration.
pub type LinuxSpinLock<T> = LinuxLock<T, RawSpinLock>;

// SAFETY: the lock may be used from any thread, and the value goes with it.
unsafe impl<T: Send, R: RawLock> Send for LinuxLock<T, R> {}
// SAFETY: as for `Send`; one thread at a time is at the value.
unsafe impl<T: Send, R: RawLock> Sync for LinuxLock<T, R> {}

/// A [`LinuxLock`], held. The thread that has taken it gives it back.
pub struct LinuxGuard<'a, T, R: RawLock> {
    lock: &'a LinuxLock<T, R>,
    thread: PhantomData<*mut ()>,
}

impl<T, R: RawLock> LinuxLock<T, R> {
    fn allocate(value: T) -> Result<Self, Errno> {
        Ok(Self {
            raw: NonNull::new(R::allocate()).ok_or(Errno::ENOMEM)?,
            value: UnsafeCell::new(value),
            which: PhantomData,
        })
    }

    fn taken(&self) -> LinuxGuard<'_, T, R> {
        LinuxGuard { lock: self, thread: PhantomData }
    }

    fn tried(&self) -> Option<LinuxGuard<'_, T, R>> {
        // SAFETY: the lock lives as long as `self`. Trying does not sleep.
        unsafe { R::try_lock(self.raw.as_ptr()) }.then(|| self.taken())
    }
}

impl<T: Send + 'static> Mutex<T> for LinuxMutex<T> {
    type Guard<'a> = LinuxGuard<'a, T, RawMutex>;

    fn new(value: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        Self::allocate(value)
    }

    fn lock(&self, _: MaySleep<'_>) -> LinuxGuard<'_, T, RawMutex> {
        // SAFETY: the lock lives as long as `self`, and the caller may sleep. A thread that holds it waits for itself,
        // and gets no second guard.
        unsafe { RawMutex::lock(self.raw.as_ptr()) };
        self.taken()
    }

    fn try_lock(&self) -> Option<LinuxGuard<'_, T, RawMutex>> {
        self.tried()
    }
}

impl<T: Send + 'static> SpinLock<T> for LinuxSpinLock<T> {
    type Guard<'a> = LinuxGuard<'a, T, RawSpinLock>;

    fn new(value: T, _: MaySleep<'_>) -> Result<Self, Errno> {
        Self::allocate(value)
    }

    fn lock(&self) -> LinuxGuard<'_, T, RawSpinLock> {
        // SAFETY: the lock lives as long as `self`, and waiting for it does not sleep. Else as in `Mutex::lock`.
        unsafe { RawSpinLock::lock(self.raw.as_ptr()) };
        self.taken()
    }

    fn try_lock(&self) -> Option<LinuxGuard<'_, T, RawSpinLock>> {
        self.tried()
    }
}

impl<T, R: RawLock> Drop for LinuxLock<T, R> {
    fn drop(&mut self) {
        // SAFETY: nobody holds or awaits it, since either borrows it.
        unsafe { R::free(self.raw.as_ptr()) };
    }
}

impl<T, R: RawLock> Deref for LinuxGuard<'_, T, R> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: by the lock's invariant nobody else is at the value while this is held.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T, R: RawLock> DerefMut for LinuxGuard<'_, T, R> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T, R: RawLock> Drop for LinuxGuard<'_, T, R> {
    fn drop(&mut self) {
        // SAFETY: this thread holds it.
        unsafe { R::unlock(self.lock.raw.as_ptr()) };
    }
}
