//! Which hook this thread is in.

use std::{cell::Cell, fmt};

/// A hook of a driver's, as the simulator calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// `f_op->mmap`: [`MmapFile::mmap`](crate::MmapFile::mmap).
    Mmap,
    /// `vm_ops->fault`: [`VmOperations::fault`](crate::VmOperations::fault).
    Fault,
    /// `vm_ops->may_split`.
    MaySplit,
    /// `vm_ops->close`: the mapping's state is dropped.
    Close,
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mmap => "mmap",
            Self::Fault => "fault",
            Self::MaySplit => "may_split",
            Self::Close => "close",
        })
    }
}

thread_local! {
    static RUNNING: Cell<Option<Hook>> = const { Cell::new(None) };
}

/// The hook that this thread is running, if it is in one.
pub(super) fn running() -> Option<Hook> {
    RUNNING.get()
}

/// Runs a hook. A panic in it leaves nothing behind.
pub(super) fn enter<T>(hook: Hook, body: impl FnOnce() -> T) -> T {
    let _outer = Outer(RUNNING.replace(Some(hook)));
    body()
}

/// Restores what ran before.
struct Outer(Option<Hook>);

impl Drop for Outer {
    fn drop(&mut self) {
        RUNNING.set(self.0);
    }
}
