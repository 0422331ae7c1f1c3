//! The VMA that a debugger reaches into.

use core::{
    ffi::{c_int, c_void},
    ops::Range,
    slice,
};

use vmctx::{
    Errno, PageOffset,
    platform::{AccessBuffer, AccessedVma, VmFlags},
};

use crate::{errno::result, ffi};

/// A VMA in a call of `vm_ops->access`.
///
/// # Invariants
/// The pointer is the kernel's, and the VMA's mmap lock is held, for read, for as long as the value is there.
pub(super) struct LinuxAccessedVma(pub(super) *mut ffi::vm_area_struct);

impl LinuxAccessedVma {
    fn get(&self) -> &ffi::vm_area_struct {
        // SAFETY: by the invariant.
        unsafe { &*self.0 }
    }
}

impl AccessedVma for LinuxAccessedVma {
    fn range(&self) -> Range<usize> {
        self.get().vm_start..self.get().vm_end
    }

    fn pgoff(&self) -> PageOffset {
        PageOffset::new(self.get().vm_pgoff)
    }

    fn flags(&self) -> VmFlags {
        self.get().flags()
    }

    fn copy_mapped(&self, address: usize, buffer: AccessBuffer<'_>) -> Result<(), Errno> {
        let (write, len) = (buffer.is_write(), buffer.len());
        let bytes: *mut c_void = match buffer {
            AccessBuffer::Read(into) => into.as_mut_ptr().cast(),
            // Only read, with `write`.
            AccessBuffer::Write(from) => from.as_ptr().cast_mut().cast(),
        };
        // The bytes lie in one page.
        let len = c_int::try_from(len).map_err(|_| Errno::EINVAL)?;
        // SAFETY: by the invariant; there are as many bytes.
        match unsafe { ffi::vmctx_copy_mapped(self.0, address, bytes, len, c_int::from(write)) } {
            copied if copied == len => Ok(()),
            short if short >= 0 => Err(Errno::EIO),
            error => result(error),
        }
    }
}

/// `buf`, `len` and `write` of `vm_ops->access`. Nothing, where `len` is none.
///
/// # Safety
/// `bytes` is memory of the kernel's, `len` bytes of it, which nobody else uses for as long as `'b`.
pub(super) unsafe fn buffer<'b>(bytes: *mut c_void, len: c_int, write: bool) -> AccessBuffer<'b> {
    let Ok(len @ 1..) = usize::try_from(len) else { return AccessBuffer::Write(&[]) };
    // SAFETY: by this function's contract.
    unsafe {
        if write {
            AccessBuffer::Write(slice::from_raw_parts(bytes.cast_const().cast(), len))
        } else {
            AccessBuffer::Read(slice::from_raw_parts_mut(bytes.cast(), len))
        }
    }
}
