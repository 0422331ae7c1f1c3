//! Errors on order.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use vmctx::Errno;

/// Something that shall go wrong, once. With [`Machine::inject`](crate::Machine::inject).
///
/// To find every place at which a driver can meet an error is what [`sweep`](crate::sweep) does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Injection {
    /// A frame is not allocated: ENOMEM for a driver, the OOM killer for a private copy.
    FrameAllocation {
        /// How many frames are allocated before.
        after: usize,
    },
    /// A page table is not allocated.
    PageTableAllocation {
        /// How many page tables are allocated before.
        after: usize,
    },
    /// There is no memory for a VMA, when a mmap has been through the driver's hook: its prepare hook, or its mmap hook.
    VmaAllocation {
        /// How many VMAs are allocated before, by mmap.
        after: usize,
    },
    /// An insertion of a driver's, at mmap or in a fault, fails before it does anything.
    Insertion {
        /// How many insertions come before, each page of a batch counted.
        after: usize,
        /// What it fails with. EBUSY is, in a fault, a success that inserted nothing.
        errno: Errno,
    },
    /// A fault hook is called with `FAULT_FLAG_RETRY_NOWAIT`: it must not wait and must not give up the lock. If it
    /// answers RETRY, the fault is begun anew as usual.
    RetryNoWait,
    /// A fault hook is called without `FAULT_FLAG_ALLOW_RETRY`: it cannot give up the lock, as under `get_user_pages`
    /// or a kernel access.
    NoRetry,
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameAllocation { after } => write!(f, "the allocation of a frame failed after {after} others"),
            Self::PageTableAllocation { after } => {
                write!(f, "the allocation of a page table failed after {after} others")
            }
            Self::VmaAllocation { after } => write!(f, "the allocation of a VMA failed after {after} others"),
            Self::Insertion { after, errno } => write!(f, "an insertion failed with {errno} after {after} others"),
            Self::RetryNoWait => f.write_str("a fault that must not wait"),
            Self::NoRetry => f.write_str("a fault that cannot give up the lock"),
        }
    }
}

/// An error that was ordered, for whoever wants to know whether it has happened.
///
/// ```
/// use vmctx_sim::{Injection, Machine};
///
/// let machine = Machine::new();
/// let injected = machine.inject(Injection::FrameAllocation { after: 1 });
/// assert!(machine.alloc_page().is_ok() && !injected.has_happened());
/// assert!(machine.alloc_page().is_err() && injected.has_happened());
/// ```
#[derive(Clone, Debug)]
pub struct Injected {
    happened: Arc<AtomicBool>,
}

impl Injected {
    /// Whether it has.
    #[must_use]
    pub fn has_happened(&self) -> bool {
        self.happened.load(Ordering::Acquire)
    }
}

/// An error that was ordered and has not happened yet.
struct Pending {
    injection: Injection,
    happened: Arc<AtomicBool>,
}

impl Pending {
    fn happens(self) {
        self.happened.store(true, Ordering::Release);
    }
}

/// Where something is injected.
#[derive(Clone, Copy)]
pub(crate) enum Site {
    FrameAllocation,
    PageTableAllocation,
    VmaAllocation,
    Insertion,
}

/// What was ordered and has not happened yet.
#[derive(Default)]
pub(crate) struct Injections {
    // Whether `pending` is worth locking for.
    any: AtomicBool,
    pending: Mutex<Vec<Pending>>,
}

impl Injections {
    pub(crate) fn order(&self, injection: Injection) -> Injected {
        let happened = Arc::new(AtomicBool::new(false));
        let mut pending = self.pending.lock();
        pending.push(Pending { injection, happened: Arc::clone(&happened) });
        self.any.store(true, Ordering::Release);
        Injected { happened }
    }

    pub(crate) fn clear(&self) {
        self.pending.lock().clear();
        self.any.store(false, Ordering::Release);
    }

    /// One more allocation or insertion at this place: does it fail?
    #[inline]
    pub(crate) fn strike(&self, site: Site) -> Result<(), Errno> {
        if self.any.load(Ordering::Acquire) { self.strike_pending(site) } else { Ok(()) }
    }

    #[cold]
    fn strike_pending(&self, site: Site) -> Result<(), Errno> {
        let mut pending = self.pending.lock();
        let mut due = None;
        for (index, Pending { injection, .. }) in pending.iter_mut().enumerate() {
            let (after, errno) = match (site, injection) {
                (Site::FrameAllocation, Injection::FrameAllocation { after })
                | (Site::PageTableAllocation, Injection::PageTableAllocation { after })
                | (Site::VmaAllocation, Injection::VmaAllocation { after }) => (after, Errno::ENOMEM),
                (Site::Insertion, Injection::Insertion { after, errno }) => (after, *errno),
                _ => continue,
            };
            match after.checked_sub(1) {
                Some(left) => *after = left,
                None => due = due.or(Some((index, errno))),
            }
        }
        let Some((index, errno)) = due else { return Ok(()) };
        pending.remove(index).happens();
        self.any.store(!pending.is_empty(), Ordering::Release);
        Err(errno)
    }

    /// Whether this was ordered for a fault; the order is then done.
    pub(crate) fn take(&self, wanted: Injection) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut pending = self.pending.lock();
        let found = pending.iter().position(|pending| pending.injection == wanted);
        if let Some(index) = found {
            pending.remove(index).happens();
        }
        self.any.store(!pending.is_empty(), Ordering::Release);
        found.is_some()
    }
}
