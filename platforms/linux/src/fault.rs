//! A fault while one of its hooks runs.

use vmctx::platform::FaultFlags;

use crate::ffi;

/// A fault in a call of `vm_ops->fault` or one of its relatives.
///
/// # Invariants
/// The pointer is the kernel's, and a lock of the VMA's is held until [`release`](vmctx::Platform::release).
pub struct LinuxFault(pub(crate) *mut ffi::vm_fault);

impl LinuxFault {
    pub(crate) fn get(&self) -> &ffi::vm_fault {
        // SAFETY: by the invariant; the `vm_fault` is on the stack of the kernel function that is calling.
        unsafe { &*self.0 }
    }

    pub(crate) fn flags(&self) -> FaultFlags {
        FaultFlags::from_bits(self.get().flags)
    }

    pub(crate) fn vma(&self) -> &ffi::vm_area_struct {
        // SAFETY: by the invariant. After `release` the tokens leave nothing that asks.
        unsafe { &*self.get().vma }
    }
}
