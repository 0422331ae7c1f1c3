//! A page fault of which a userfaultfd has told.

use super::clock::ReadAt;

/// A page fault that waits to be served.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Event {
    /// With all its bits.
    pub(crate) address: usize,
    pub(crate) write: bool,
    /// A store met a page that is write-protected. Otherwise nothing was mapped.
    pub(crate) protected: bool,
    /// The thread that has the fault, by its number in its own process. 0 where that is not told.
    pub(crate) thread: u32,
    /// What was served since then may have been served for it.
    pub(crate) read_at: ReadAt,
}
