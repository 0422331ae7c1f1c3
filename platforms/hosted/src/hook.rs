//! Which hook this thread is in.

use std::{cell::Cell, fmt, marker::PhantomData};

/// A hook of a driver's, as its platform calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hook {
    /// `f_op->mmap`: [`MmapFile::mmap`](vmctx::MmapFile::mmap).
    Mmap,
    /// `f_op->mmap_prepare`: [`PrepareFile::mmap_prepare`](vmctx::PrepareFile::mmap_prepare).
    MmapPrepare,
    /// `vm_ops->mapped`: [`PrepareFile::mapped`](vmctx::PrepareFile::mapped).
    Mapped,
    /// `vm_ops->fault`: [`VmOperations::fault`](vmctx::VmOperations::fault).
    Fault,
    /// `vm_ops->may_split`.
    MaySplit,
    /// `vm_ops->open`
    Open,
    /// `vm_ops->close`, and the drop of the mapping's state.
    Close,
    /// `vm_ops->page_mkwrite`
    PageMkwrite,
    /// `vm_ops->pfn_mkwrite`
    PfnMkwrite,
    /// `vm_ops->huge_fault`
    HugeFault,
    /// `vm_ops->map_pages`
    MapPages,
    /// `vm_ops->access`
    Access,
    /// An ioctl, or what else has an [`UnlockedCtx`](vmctx::UnlockedCtx).
    Ioctl,
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mmap => "mmap",
            Self::MmapPrepare => "mmap_prepare",
            Self::Mapped => "mapped",
            Self::Fault => "fault",
            Self::MaySplit => "may_split",
            Self::Open => "open",
            Self::Close => "close",
            Self::PageMkwrite => "page_mkwrite",
            Self::PfnMkwrite => "pfn_mkwrite",
            Self::HugeFault => "huge_fault",
            Self::MapPages => "map_pages",
            Self::Access => "access",
            Self::Ioctl => "ioctl",
        })
    }
}

thread_local! {
    /// The innermost hook, or the ioctl, that this thread runs.
    static RUNNING: Cell<Option<Hook>> = const { Cell::new(None) };
    /// Whether that hook has given up the mmap lock.
    static RELEASED: Cell<bool> = const { Cell::new(false) };
    /// How many established mappings this thread has locked.
    static MAPPED: Cell<usize> = const { Cell::new(0) };
}

/// The hook that this thread is running, if it is in one.
#[must_use]
#[inline]
pub fn running() -> Option<Hook> {
    RUNNING.get()
}

/// The hook that this thread is running and that has the mmap lock, or the RCU lock.
#[must_use]
pub fn under_mmap_lock() -> Option<Hook> {
    running().filter(|hook| *hook != Hook::Ioctl)
}

/// The hook because of which this thread must not wait for a mmap lock, nor for a fault: one that has it already. An
/// ioctl has it while it has an established mapping locked.
#[must_use]
pub fn in_the_way() -> Option<Hook> {
    under_mmap_lock().or_else(|| (MAPPED.get() != 0).then_some(Hook::Ioctl))
}

/// As [`in_the_way`], without a hook that has given up the lock: whoever waits for this thread waits for no mmap lock.
pub(crate) fn with_mmap_lock() -> Option<Hook> {
    in_the_way().filter(|_| !RELEASED.get() || MAPPED.get() != 0)
}

/// The hook that this thread is running has given up the mmap lock.
pub(crate) fn release() {
    RELEASED.set(true);
}

/// This thread holds a mmap lock that it has taken itself, for an established mapping.
pub(crate) struct MappedLock {
    // Counted for the thread that has taken it.
    thread: PhantomData<*mut ()>,
}

impl MappedLock {
    /// Counts it, until the value is dropped.
    pub(crate) fn note() -> Self {
        MAPPED.set(MAPPED.get() + 1);
        Self { thread: PhantomData }
    }
}

impl Drop for MappedLock {
    fn drop(&mut self) {
        MAPPED.set(MAPPED.get() - 1);
    }
}

/// Runs a hook, or an ioctl: what is asked about this thread meanwhile is answered with it. A panic leaves nothing
/// behind.
///
/// A hook that has the mmap lock cannot be hidden behind an ioctl that is said to run in it: the answer stays that
/// hook.
pub fn enter<T>(hook: Hook, body: impl FnOnce() -> T) -> T {
    let hook = if hook == Hook::Ioctl { under_mmap_lock().unwrap_or(hook) } else { hook };
    let _outer = Outer(RUNNING.replace(Some(hook)), RELEASED.replace(false));
    body()
}

/// Restores what ran before.
struct Outer(Option<Hook>, bool);

impl Drop for Outer {
    fn drop(&mut self) {
        RUNNING.set(self.0);
        RELEASED.set(self.1);
    }
}
