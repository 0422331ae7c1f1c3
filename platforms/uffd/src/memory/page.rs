//! A page that a driver has.

use std::{fmt, os::fd::AsFd, sync::Arc};

use vmctx::{Errno, OutOfPage};

use crate::{error::errno, kernel::sys::PAGE_SIZE};

use super::frames::Frames;

/// A page with a reference held: the platform's [`Page`](vmctx::PageRef).
///
/// From [`Memory::alloc_page`](crate::Memory::alloc_page). Cloning takes a reference, dropping puts it, and the last one frees the page.
pub struct Page {
    pub(super) frames: Arc<Frames>,
    pub(super) pfn: u64,
}

impl Page {
    /// How many references there are: handles of the driver's, mappings, faults at work.
    #[must_use]
    pub fn references(&self) -> usize {
        self.frames.references(self.pfn)
    }

    /// The page's frame number.
    #[must_use]
    pub fn pfn(&self) -> u64 {
        self.pfn
    }

    /// Has the kernel read a file into the page, from a byte of the file on (`pread`): nothing is copied in between. Gives
    /// back how many bytes it was; fewer than a page has only where the file ends, and the page's rest stays as it is.
    ///
    /// # Errors
    /// What `pread` says; ESRCH in a child of fork.
    pub fn fill_from(&self, file: impl AsFd, offset: u64) -> Result<usize, Errno> {
        self.frames.fill_from(self.pfn, file.as_fd(), offset).map_err(errno)
    }

    /// Has the kernel write the page's first `len` bytes to a file, from a byte of the file on (`pwrite`): nothing is copied in
    /// between. For who takes pages back that users have stored to; the page at a file's end has fewer bytes of it than
    /// others.
    ///
    /// # Errors
    /// What `pwrite` says; EIO where the file takes a part only; EINVAL for more bytes than a page has; ESRCH in a child of
    /// fork. The file may have a part of them then.
    pub fn write_to(&self, file: impl AsFd, offset: u64, len: usize) -> Result<(), Errno> {
        self.frames.write_to(self.pfn, file.as_fd(), offset, len).map_err(errno)
    }

    /// Where this process has its bytes mapped, for as long as the page is there; `None` in a child of fork.
    pub(crate) fn address(&self) -> Option<usize> {
        self.frames.bytes_of(self.pfn, 0, PAGE_SIZE)
    }

    pub(crate) fn is_of(&self, frames: &Arc<Frames>) -> bool {
        Arc::ptr_eq(&self.frames, frames)
    }

    pub(crate) fn lock(&self) {
        self.frames.lock(self.pfn);
    }

    pub(crate) fn unlock(&self) {
        self.frames.unlock(self.pfn);
    }
}

impl Clone for Page {
    fn clone(&self) -> Self {
        self.frames.get(self.pfn);
        Self { frames: Arc::clone(&self.frames), pfn: self.pfn }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({:#x}, {} references)", self.pfn, self.references())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if self.pfn != self.frames.zero_page() {
            self.frames.put(self.pfn);
        }
    }
}

impl vmctx::PageRef for Page {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfPage> {
        let len = into.len();
        if self.frames.read(self.pfn, offset, into) { Ok(()) } else { Err(OutOfPage { offset, len }) }
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfPage> {
        let len = from.len();
        if self.frames.write(self.pfn, offset, from) { Ok(()) } else { Err(OutOfPage { offset, len }) }
    }
}

/// A page that a hook has locked. It takes no reference, which the driver could count.
pub(crate) struct LockedPage {
    frames: Arc<Frames>,
    pub(crate) pfn: u64,
}

impl LockedPage {
    /// Waits for the page's lock. The page has to be [unlocked](Self::unlock), by this or by a handle to it.
    pub(crate) fn lock(page: &Page) -> Self {
        page.lock();
        Self { frames: Arc::clone(&page.frames), pfn: page.pfn }
    }

    pub(crate) fn unlock(self) {
        self.frames.unlock(self.pfn);
    }
}
