//! What a thread of a peer's waits for, as the kernel has said it.

use std::{cell::RefCell, collections::VecDeque};

use crate::kernel::messages::Why;

/// A thread of the peer's that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// Where, with all its bits: where that is now, and where it was at first, if it lies in a region.
    pub(crate) now: usize,
    pub(crate) first: Option<usize>,
    pub(crate) write: bool,
    pub(crate) why: Why,
}

/// Events that a thread has read and not served yet.
pub(crate) type Backlog = RefCell<VecDeque<Event>>;
