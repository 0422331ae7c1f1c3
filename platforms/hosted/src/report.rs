//! What a driver does that a kernel would complain of, although nothing has come of it yet.
//!
//! A Linux that was built to look for such things (`CONFIG_DEBUG_ATOMIC_SLEEP`) writes them to its log. Here they are
//! values that a test can compare, and the driver goes on.

use std::{cell::RefCell, fmt, mem, panic::Location, sync::Arc};

use parking_lot::Mutex;

/// Something that a driver has done wrong. It had no consequences this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// Something that may sleep was called while this thread held a [spin lock](crate::SpinLock). Whoever waits for
    /// that lock keeps its processor busy until the sleeper has come back, and for ever if the sleeper needs that very
    /// processor. Follows `__might_resched` in `kernel/sched/core.c`: it counts that the call may sleep, not that it
    /// did.
    SleptUnderSpinLock {
        /// Where the lock was taken; of several that were held, the last.
        taken: &'static Location<'static>,
        /// What was called.
        call: MightSleep,
        /// Where it was called.
        called: &'static Location<'static>,
    },
    /// Something that may sleep was called in a `map_pages` hook, which runs under RCU. Its token gives no right to
    /// sleep; this one was somebody else's, or the call was a drop.
    SleptInMapPages {
        /// What was called.
        call: MightSleep,
        /// Where it was called.
        called: &'static Location<'static>,
    },
}

/// A call that may sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MightSleep {
    /// Memory is allocated: for a page, shared ownership, a lock, a queue, an object.
    Allocation,
    /// A [`Mutex`](crate::Mutex) or [`RwLock`](crate::RwLock) is waited for.
    Lock,
    /// A page is locked.
    PageLock,
    /// The mmap lock is waited for.
    MmapLock,
    /// Something is inserted, or made writable: a page table may have to be allocated for it, or a page locked.
    Insertion,
    /// Mapped pages are taken away, or the right to write to them.
    Unmapping,
    /// A queue is waited on.
    Wait,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SleptUnderSpinLock { taken, call, called } => {
                write!(f, "{call} at {called} may sleep, and the spin lock taken at {taken} was held")
            }
            Self::SleptInMapPages { call, called } => {
                write!(f, "{call} at {called} may sleep, and the map_pages hook that it was in must not")
            }
        }
    }
}

impl fmt::Display for MightSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allocation => "the allocation",
            Self::Lock => "waiting for the lock",
            Self::PageLock => "locking the page",
            Self::MmapLock => "waiting for the mmap lock",
            Self::Insertion => "the insertion",
            Self::Unmapping => "the unmapping",
            Self::Wait => "the wait",
        })
    }
}

/// The reports of one machine. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    list: Arc<Mutex<Vec<Report>>>,
}

thread_local! {
    /// Where reports of what this thread does go.
    static OF_THIS_THREAD: RefCell<Option<Reports>> = const { RefCell::new(None) };
}

impl Reports {
    /// What is in the list, in order.
    #[must_use]
    pub fn all(&self) -> Vec<Report> {
        self.list.lock().clone()
    }

    /// Empties the list.
    #[must_use]
    pub fn take(&self) -> Vec<Report> {
        mem::take(&mut *self.list.lock())
    }

    /// Reports something. What is in the list already, with the same places, is not reported again.
    pub fn add(&self, report: Report) {
        let mut list = self.list.lock();
        if !list.contains(&report) {
            list.push(report);
        }
    }

    /// From now on, what this thread does wrong is reported here. Locks and allocations do not know of which machine
    /// they are, so reports go to the machine that their thread has last had to do with: by an access, a system call,
    /// or the right to sleep.
    pub fn follow_this_thread(&self) {
        // A thread that ends does nothing wrong any more.
        let _ = OF_THIS_THREAD.try_with(|current| {
            let is_this = current.borrow().as_ref().is_some_and(|current| Arc::ptr_eq(&current.list, &self.list));
            if !is_this {
                current.replace(Some(self.clone()));
            }
        });
    }
}

/// Reports something that this thread does. Nobody is told if it has had to do with no machine that collects reports.
pub(crate) fn report(report: Report) {
    let reports = OF_THIS_THREAD.try_with(|current| current.borrow().clone());
    if let Ok(Some(reports)) = reports {
        reports.add(report);
    }
}
