//! Pages, device memory and shared ownership, as the kernel has them.

use core::{
    alloc::Layout,
    ops::Deref,
    ptr::{self, NonNull},
    sync::atomic::{AtomicU8, AtomicUsize, Ordering, fence},
};

use super::{Linux, ffi};
use crate::{Errno, FrameSource, OutOfPage, Page, PageCount, Platform};

/// A `struct page` with a reference held: dropping it puts the page.
///
/// # Invariants
/// The page was allocated for drivers by [`alloc_page`](Platform::alloc_page): it is one page of order 0, in the
/// kernel's direct mapping, not anonymous, not slab. The reference is this value's own.
#[repr(transparent)]
pub struct LinuxPage(NonNull<ffi::page>);

// SAFETY: a page's reference count is atomic, and its bytes are only accessed one atomic byte at a time.
unsafe impl Send for LinuxPage {}
// SAFETY: as for `Send`.
unsafe impl Sync for LinuxPage {}

impl LinuxPage {
    pub(super) fn alloc() -> Result<Self, Errno> {
        // SAFETY: no preconditions beyond a context that may sleep, which hooks and module initialisation are.
        NonNull::new(unsafe { ffi::vmctx_alloc_page() }).map(Self).ok_or(Errno::ENOMEM)
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::page {
        self.0.as_ptr()
    }

    /// Gives the reference away with the pointer.
    pub(super) fn into_raw(self) -> *mut ffi::page {
        let raw = self.as_ptr();
        core::mem::forget(self);
        raw
    }

    fn bytes(&self, offset: usize, len: usize) -> Result<&[AtomicU8], OutOfPage> {
        // SAFETY: by the type's invariants the page has an address, which stays while the reference is held; its
        // bytes are shared with user space and other holders, hence atomic.
        let page = unsafe {
            core::slice::from_raw_parts(ffi::vmctx_page_address(self.as_ptr()).cast::<AtomicU8>(), Linux::PAGE_SIZE)
        };
        let end = offset.checked_add(len).ok_or(OutOfPage { offset, len })?;
        page.get(offset..end).ok_or(OutOfPage { offset, len })
    }
}

impl Clone for LinuxPage {
    fn clone(&self) -> Self {
        // SAFETY: `self` holds a reference, so the page is there.
        unsafe { ffi::vmctx_get_page(self.as_ptr()) };
        Self(self.0)
    }
}

impl Drop for LinuxPage {
    fn drop(&mut self) {
        // SAFETY: the reference that `self` holds is given up with it.
        unsafe { ffi::vmctx_put_page(self.as_ptr()) };
    }
}

impl Page for LinuxPage {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfPage> {
        let bytes = self.bytes(offset, into.len())?;
        for (to, from) in into.iter_mut().zip(bytes) {
            *to = from.load(Ordering::Relaxed);
        }
        Ok(())
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfPage> {
        for (to, from) in self.bytes(offset, from.len())?.iter().zip(from) {
            to.store(*from, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Page frames that somebody with the right to say so has vouched for: a BAR, or all of physical memory.
pub struct LinuxIomem {
    base: u64,
    count: PageCount,
}

impl LinuxIomem {
    /// `count` frames from number `base` on.
    ///
    /// # Safety
    /// The promise of [`FrameSource`]: each of the frames may be mapped into user space, and stays what it is for as
    /// long as a mapping of it may exist. `base + count` does not overflow.
    #[must_use]
    pub const unsafe fn new(base: u64, count: PageCount) -> Self {
        Self { base, count }
    }
}

// SAFETY: the promise was made to `new`; the fields never change.
unsafe impl FrameSource for LinuxIomem {
    type Platform = Linux;

    fn base(&self) -> u64 {
        self.base
    }

    fn count(&self) -> PageCount {
        self.count
    }
}

/// A value under shared ownership: a kernel allocation with a count in front.
///
/// # Invariants
/// The pointer is to a live allocation by [`share`](Platform::share), of whose count this value owns one.
pub struct LinuxRef<T>(NonNull<Shared<T>>);

struct Shared<T> {
    count: AtomicUsize,
    value: T,
}

// SAFETY: it is an `Arc`: the count is atomic, the value is `Send` and `Sync`.
unsafe impl<T: Send + Sync> Send for LinuxRef<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Send + Sync> Sync for LinuxRef<T> {}

impl<T> LinuxRef<T> {
    pub(super) fn new(value: T) -> Result<Self, Errno> {
        let layout = Layout::new::<Shared<T>>();
        // SAFETY: the layout is not empty, because the count is not.
        let memory = unsafe { ffi::vmctx_alloc(layout.size(), layout.align()) };
        let shared = NonNull::new(memory.cast::<Shared<T>>()).ok_or(Errno::ENOMEM)?;
        // SAFETY: the allocation is fresh, and of this layout.
        unsafe { shared.write(Shared { count: AtomicUsize::new(1), value }) };
        Ok(Self(shared))
    }

    /// The value as a pointer for a C structure to hold, with its count: `file->private_data`, say.
    #[must_use]
    pub fn into_raw(self) -> *mut core::ffi::c_void {
        let raw = self.0.as_ptr().cast();
        core::mem::forget(self);
        raw
    }

    /// The value that a C structure held.
    ///
    /// # Safety
    /// `raw` is from [`into_raw`](Self::into_raw) of the same type, and of its count this value now owns one.
    #[must_use]
    pub unsafe fn from_raw(raw: *mut core::ffi::c_void) -> Self {
        // SAFETY: `into_raw` gives no null.
        Self(unsafe { NonNull::new_unchecked(raw.cast()) })
    }

    fn shared(&self) -> &Shared<T> {
        // SAFETY: by the invariant.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Deref for LinuxRef<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.shared().value
    }
}

impl<T> Clone for LinuxRef<T> {
    fn clone(&self) -> Self {
        // A count that could wrap is never given back: the allocation then leaks, as with the kernel's `refcount_t`.
        if self.shared().count.fetch_add(1, Ordering::Relaxed) > usize::MAX / 2 {
            self.shared().count.store(usize::MAX / 2, Ordering::Relaxed);
        }
        Self(self.0)
    }
}

impl<T> Drop for LinuxRef<T> {
    fn drop(&mut self) {
        if self.shared().count.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        fence(Ordering::Acquire);
        // SAFETY: this was the last owner; the value is dropped once.
        unsafe { ptr::drop_in_place(self.0.as_ptr()) };
        // SAFETY: the allocation is `share`'s, and nobody has it any more.
        unsafe { ffi::vmctx_free(self.0.as_ptr().cast()) };
    }
}
