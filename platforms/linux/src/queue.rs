//! A wait queue of the kernel's, with its count of wake-ups.

use core::{ffi::c_void, ptr::NonNull};

use vmctx::{Errno, MaySleep, WaitQueue};

use crate::{errno::result, ffi};

/// A `wait_queue_head_t` and the number of its wake-ups, in an allocation of the shim's.
pub struct LinuxWaitQueue(NonNull<c_void>);

// SAFETY: the shim's functions on a queue may be called from any thread, and at once.
unsafe impl Send for LinuxWaitQueue {}
// SAFETY: as for `Send`.
unsafe impl Sync for LinuxWaitQueue {}

impl LinuxWaitQueue {
    pub(super) fn wait(&self, wakes: u64) -> Result<(), Errno> {
        // SAFETY: the queue lives as long as `self`.
        result(unsafe { ffi::vmctx_queue_wait(self.0.as_ptr(), wakes) })
    }
}

impl WaitQueue for LinuxWaitQueue {
    fn new(_: MaySleep<'_>) -> Result<Self, Errno> {
        // SAFETY: no preconditions.
        NonNull::new(unsafe { ffi::vmctx_queue_new() }).map(Self).ok_or(Errno::ENOMEM)
    }

    fn wakes(&self) -> u64 {
        // SAFETY: the queue lives as long as `self`.
        unsafe { ffi::vmctx_queue_wakes(self.0.as_ptr()) }
    }

    fn wake_all(&self) {
        // SAFETY: the queue lives as long as `self`.
        unsafe { ffi::vmctx_queue_wake(self.0.as_ptr()) };
    }
}

impl Drop for LinuxWaitQueue {
    fn drop(&mut self) {
        // SAFETY: nobody waits on a queue that is being dropped, since waiting borrows it.
        unsafe { ffi::vmctx_queue_free(self.0.as_ptr()) };
    }
}
