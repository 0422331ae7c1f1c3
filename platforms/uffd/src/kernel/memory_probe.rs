//! Whether a process's memory is still there. The process alone does not tell: it may go on with another program and other
//! memory (`exec`), and another process that has the same memory may go on without it (`CLONE_VM`).

use std::{ops::Range, os::fd::OwnedFd, thread};

use crate::error::RawErrno;

use super::{
    ioctl,
    sys::{self, PAGE_SIZE},
};

/// Asks userfaultfds for that, in a way that changes nothing.
pub(crate) struct MemoryProbe {
    /// A page of this process's that cannot be read.
    unreadable: Range<usize>,
}

impl MemoryProbe {
    pub(crate) fn new() -> Result<Self, RawErrno> {
        let at = sys::reserve(PAGE_SIZE, None)?;
        Ok(Self { unreadable: at..at + PAGE_SIZE })
    }

    /// Whether nobody has the memory that a userfaultfd is for.
    pub(crate) fn is_gone(&self, uffd: &OwnedFd) -> bool {
        // Some address there. Wherever it leads, nothing comes of this, because there is nothing to be copied.
        const ANYWHERE: usize = 1 << 28;
        let copied = ioctl::copy(uffd, &(ANYWHERE..ANYWHERE + PAGE_SIZE), self.unreadable.start);
        copied.result == Err(RawErrno::SRCH)
    }

    /// The same, where it is about to go: whoever looks into the memory of a process keeps it for a moment.
    pub(crate) fn goes(&self, uffd: &OwnedFd) -> bool {
        const PATIENCE: usize = 1000;
        (0..PATIENCE).any(|tries| {
            if tries != 0 {
                thread::yield_now();
            }
            self.is_gone(uffd)
        })
    }
}

impl Drop for MemoryProbe {
    fn drop(&mut self) {
        // SAFETY: reserved for this, and nobody else knows of it.
        unsafe { sys::unmap(&self.unreadable) };
    }
}
