//! Pages and device memory, as the kernel has them.

use core::{
    ffi::c_void,
    ptr::NonNull,
    sync::atomic::{AtomicU8, Ordering},
};

use vmctx::{Errno, FrameSource, Iomem, OutOfFrames, OutOfPage, PageCount, PageRef, Platform};

use crate::{ffi, linux::Linux};

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

    /// The page that a `page_mkwrite` is asked about.
    ///
    /// # Safety
    /// `fault` is the kernel's, in a call of `vm_ops->page_mkwrite`, and the page was inserted as a `LinuxPage`.
    pub(super) unsafe fn of_fault(fault: *mut ffi::vm_fault) -> Self {
        // SAFETY: by this function's contract; the core holds a reference, and the shim takes another. It is no null.
        Self(unsafe { NonNull::new_unchecked(ffi::vmctx_fault_page(fault)) })
    }

    pub(super) fn pfn(&self) -> usize {
        // SAFETY: `self` holds a reference, so the page is there.
        unsafe { ffi::vmctx_pfn(self.as_ptr()) }
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

impl PageRef for LinuxPage {
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
///
/// # Invariants
/// `memory` is as [`new`](Self::new) asks.
#[derive(Clone)]
pub struct LinuxIomem {
    base: u64,
    count: PageCount,
    memory: Option<NonNull<c_void>>,
}

// SAFETY: the memory is the device's, and whoever is at it copies with the kernel's functions for that.
unsafe impl Send for LinuxIomem {}
// SAFETY: as for `Send`.
unsafe impl Sync for LinuxIomem {}

impl LinuxIomem {
    /// `count` frames from number `base` on. `memory` is where the kernel has them mapped (`ioremap`): without it their
    /// bytes cannot be [read](Iomem::read) or written.
    ///
    /// # Safety
    /// The promise of [`FrameSource`]: each of the frames may be mapped into user space, and stays what it is for as
    /// long as a mapping of it may exist. `base + count` does not overflow. `memory` is mapped for as many pages, until
    /// the value and its clones are dropped.
    #[must_use]
    pub const unsafe fn new(base: u64, count: PageCount, memory: Option<NonNull<c_void>>) -> Self {
        Self { base, count, memory }
    }

    /// The same of a `struct resource`: its whole pages. What it has of its first and of its last page is left out if the
    /// rest of that page is not its own, because users would see the rest, too. `None` if no whole page is its own.
    ///
    /// `start` is a physical address and `len` a number of bytes; `memory` is where `start` is mapped. Bytes are counted
    /// from the first whole page on.
    ///
    /// # Safety
    /// As [`new`](Self::new), for the whole pages; `memory` is mapped for `len` bytes.
    #[must_use]
    pub unsafe fn of_resource(start: u64, len: u64, memory: Option<NonNull<c_void>>) -> Option<Self> {
        let WholePages { first, count, skipped } = whole_pages(start, len)?;
        // SAFETY: at least one page of the resource lies behind what is skipped.
        let memory = memory.map(|memory| unsafe { memory.byte_add(skipped) });
        // SAFETY: by this function's contract.
        Some(unsafe { Self::new(first, PageCount::new(count), memory) })
    }

    /// Where the bytes are in the kernel.
    fn bytes(&self, offset: usize, len: usize) -> Result<NonNull<u8>, OutOfFrames> {
        let outside = OutOfFrames { offset, len };
        let end = offset.checked_add(len).ok_or(outside)?;
        let memory = self.memory.filter(|_| end <= self.count.get() << Linux::PAGE_SHIFT).ok_or(outside)?;
        // SAFETY: by the invariant as many pages are mapped there.
        Ok(unsafe { memory.cast().byte_add(offset) })
    }
}

/// The pages that lie in a resource as a whole.
#[derive(Clone, Copy)]
struct WholePages {
    /// The number of the first.
    first: u64,
    count: usize,
    /// How many bytes of the resource lie before it.
    skipped: usize,
}

#[expect(clippy::cast_possible_truncation, reason = "kernels of 64 bits")]
const fn whole_pages(start: u64, len: u64) -> Option<WholePages> {
    const PAGE_SIZE: u64 = Linux::PAGE_SIZE as u64;
    let Some(end) = start.checked_add(len) else { return None };
    let (first, end) = (start.div_ceil(PAGE_SIZE), end / PAGE_SIZE);
    if first >= end {
        return None;
    }
    Some(WholePages { first, count: (end - first) as usize, skipped: (first * PAGE_SIZE - start) as usize })
}

const _: () = {
    const PAGE_SIZE: u64 = Linux::PAGE_SIZE as u64;
    const SKIPPED: usize = Linux::PAGE_SIZE - 16;
    assert!(matches!(whole_pages(3 * PAGE_SIZE, 2 * PAGE_SIZE), Some(WholePages { first: 3, count: 2, skipped: 0 })));
    assert!(matches!(
        whole_pages(3 * PAGE_SIZE + 16, 2 * PAGE_SIZE),
        Some(WholePages { first: 4, count: 1, skipped: SKIPPED })
    ));
    assert!(whole_pages(3 * PAGE_SIZE + 16, PAGE_SIZE).is_none());
    assert!(whole_pages(3 * PAGE_SIZE, PAGE_SIZE - 1).is_none());
    assert!(whole_pages(u64::MAX - 16, 32).is_none());
};

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

impl Iomem for LinuxIomem {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfFrames> {
        let from = self.bytes(offset, into.len())?;
        // SAFETY: as many bytes are mapped there. The kernel's function is made for memory that others change.
        unsafe { ffi::vmctx_copy_from_io(into.as_mut_ptr(), from.as_ptr(), into.len()) };
        Ok(())
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfFrames> {
        let to = self.bytes(offset, from.len())?;
        // SAFETY: as for `read`.
        unsafe { ffi::vmctx_copy_to_io(to.as_ptr(), from.as_ptr(), from.len()) };
        Ok(())
    }
}
