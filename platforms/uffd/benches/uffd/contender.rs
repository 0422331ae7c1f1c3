//! What is measured: something that serves faults.

pub(crate) const PAGE: usize = 4096;
pub(crate) const PAGES: usize = 8192;

/// Something that serves the faults of [`PAGES`] pages, and brings a window of pages at each fault.
pub(crate) trait Contender {
    /// The address of the first page.
    fn at(&self) -> usize;

    /// Prepares for being measured.
    fn begin(&self) {}

    /// Takes the pages away, so that the next touch of each is a fault.
    fn forget(&self) {
        zap(self.at());
    }
}

fn zap(at: usize) {
    // SAFETY: a shared mapping of ours; the pages stay in its memory object.
    assert_eq!(unsafe { libc::madvise(at as *mut _, PAGES * PAGE, libc::MADV_DONTNEED) }, 0);
}

/// The start of the window that an address lies in.
pub(crate) fn window_of(address: usize, at: usize, window: usize) -> usize {
    at + (address - at) / (window * PAGE) * window * PAGE
}
