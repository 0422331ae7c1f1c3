//! All the mappings of one object: a `struct address_space`.

use core::{ffi::c_void, ptr::NonNull};

use vmctx::{Errno, MmapFile, PageCount, PageOffset};

use crate::{ffi, linux::Linux};

/// An `address_space` of its own, in an inode that nobody can open. What DRM and VFIO have for each device.
///
/// # Invariants
/// The pointer is to an inode of the shim's file system, of which this value owns a reference.
pub struct LinuxObject(NonNull<c_void>);

// SAFETY: an inode's count is atomic, and its `address_space` has a lock of its own.
unsafe impl Send for LinuxObject {}
// SAFETY: as for `Send`.
unsafe impl Sync for LinuxObject {}

impl LinuxObject {
    pub(super) fn new() -> Result<Self, Errno> {
        // SAFETY: no preconditions beyond a context that may sleep.
        NonNull::new(unsafe { ffi::vmctx_mappings_new() }).map(Self).ok_or(Errno::ENOMEM)
    }

    /// Takes pages out of all of them.
    pub(super) fn unmap(&self, first: PageOffset, count: PageCount) {
        // SAFETY: by the invariant the inode is there.
        unsafe { ffi::vmctx_mappings_unmap(self.0.as_ptr(), first.index(), count.get()) };
    }

    /// Whether mappings of `file` are among them.
    ///
    /// # Safety
    /// `file` is an open `struct file`.
    #[cfg(vmctx_mmap_prepare)]
    pub(super) unsafe fn have_file(&self, file: *const c_void) -> bool {
        // SAFETY: by the invariant, and by this function's contract.
        unsafe { ffi::vmctx_mappings_have_file(self.0.as_ptr(), file) }
    }

    /// Whether a VMA is one of them.
    ///
    /// # Safety
    /// A lock of the VMA's is held.
    pub(super) unsafe fn have(&self, vma: *const ffi::vm_area_struct) -> bool {
        // SAFETY: by the invariant, and by this function's contract.
        unsafe { ffi::vmctx_mappings_have(self.0.as_ptr(), vma) }
    }
}

impl Clone for LinuxObject {
    fn clone(&self) -> Self {
        // SAFETY: by the invariant the inode is there.
        unsafe { ffi::vmctx_mappings_get(self.0.as_ptr()) };
        Self(self.0)
    }
}

impl Drop for LinuxObject {
    fn drop(&mut self) {
        // SAFETY: the reference that `self` owns is given up with it.
        unsafe { ffi::vmctx_mappings_put(self.0.as_ptr()) };
    }
}

/// Makes `file` one of the object whose [object](MmapFile::object) the driver names: what a module's `f_op->open`
/// calls. Without it, [`SharedObject::unmap_once`](vmctx::SharedObject::unmap_once) finds no mapping of the file.
///
/// # Safety
/// `file` is the kernel's `struct file` in a call of `f_op->open`, and the driver whose file it is lives where it is
/// until `f_op->release` is called for that.
pub unsafe fn open<F: MmapFile<Platform = Linux> + ?Sized>(driver: &F, file: *mut c_void) {
    if let Some(mappings) = driver.object() {
        // SAFETY: the file is not mapped yet. From `release` on the kernel does not look at `f_mapping`; until then
        // the driver, and in it this reference, lives.
        unsafe { ffi::vmctx_mappings_attach(mappings.platform_object().0.as_ptr(), file) };
    }
}
