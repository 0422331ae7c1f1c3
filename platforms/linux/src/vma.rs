//! A VMA while its mmap hook runs.

use crate::{ffi, shared::AnyState};

/// A VMA in a call of `f_op->mmap`, or of `vm_ops->mapped`.
///
/// # Invariants
/// The pointer is the kernel's, the mmap lock is held for write, and nobody else changes the VMA or faults on it: it is
/// not in the tree yet, or locked there.
pub struct LinuxVma {
    pub(crate) raw: *mut ffi::vm_area_struct,
    // `None` until one is established. The VMA then holds a reference to it.
    pub(crate) state: Option<AnyState>,
}

impl LinuxVma {
    pub(crate) fn get(&self) -> &ffi::vm_area_struct {
        // SAFETY: by the invariant.
        unsafe { &*self.raw }
    }
}
