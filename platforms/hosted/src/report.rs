//! What a driver does that a kernel would complain of, although nothing has come of it yet.
//!
//! A Linux that was built to look for such things (`CONFIG_DEBUG_ATOMIC_SLEEP`) writes them to its log. Here they are
//! values that a test can compare, and the driver goes on.

use std::{cell::RefCell, fmt, mem, panic::Location, sync::Arc};

use parking_lot::Mutex;

use crate::{hook::Hook, noted};

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
    /// User memory was touched, or a system call made that takes the mmap lock, by a thread that held a lock of a
    /// driver's for which a hook waits. The access may fault, and the hook that serves it waits for the lock that its
    /// own user has. Reported when both have been seen, in whichever order. Follows `might_fault`
    /// (`__might_fault` in `mm/memory.c`), which tells lockdep that the mmap lock may be taken.
    UserMemoryUnderLock {
        /// Where the lock was taken.
        taken: &'static Location<'static>,
        /// Where user memory was touched, or the system call made.
        touched: &'static Location<'static>,
        /// The hook that waits for the lock; [`Hook::Ioctl`] if it was an ioctl that had a mapping locked.
        hook: Hook,
        /// Where it waits.
        in_hook: &'static Location<'static>,
    },
    /// The mmap lock was waited for, to lock an established mapping, by a thread that held a lock of a driver's for
    /// which a hook, which has the mmap lock, waits. Where the hook had been seen before, the wait has failed with
    /// EDEADLK. Reported when both have been seen, in whichever order.
    MmapLockUnderLock {
        /// Where the driver's lock was taken.
        taken: &'static Location<'static>,
        /// Where the mapping was locked.
        called: &'static Location<'static>,
        /// The hook that waits for the driver's lock; [`Hook::Ioctl`] if it was an ioctl that had a mapping locked.
        hook: Hook,
        /// Where it waits.
        in_hook: &'static Location<'static>,
    },
    /// Locks of drivers are taken in a circle: two of them in both orders, or a third between the second and the first.
    /// As many threads, each with one of them, wait for each other one day. Reported once, by whoever closes the circle.
    /// What only tries to take a lock cannot wait, and does not count.
    LockOrders {
        /// Where the first lock was taken.
        held: &'static Location<'static>,
        /// Where the second was then waited for.
        waited: &'static Location<'static>,
        /// Where, earlier, the last of the circle was taken: of two locks the second.
        last_held: &'static Location<'static>,
        /// Where the first was then waited for.
        last_waited: &'static Location<'static>,
        /// How many locks are in the circle.
        locks: usize,
    },
    /// Pages of an object were unmapped which a mmap hook that had not returned had inserted. Its mapping is not on the
    /// object's list yet ([`vmctx::SharedObject`] says so), so these entries stay. Linux, where `mmap_region` in `mm/mmap.c` calls
    /// `vma_link_file` after `call_mmap`, has nothing that would notice.
    UnmapMissesMmap {
        /// Where they were inserted.
        inserted: &'static Location<'static>,
        /// Where they were unmapped.
        unmapped: &'static Location<'static>,
    },
    /// A page that is one of a pool was inserted for one user while another had it mapped: the pool had given it away
    /// too early. Which pages are of a pool a test says, because many drivers show one page to several users and mean
    /// it. Nothing in Linux would notice (CVE-2024-0582).
    PageOfTwoUsers {
        /// Where it was inserted for the user that has it.
        first: &'static Location<'static>,
        /// Where it was inserted for the other one.
        second: &'static Location<'static>,
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
            Self::UserMemoryUnderLock { taken, touched, hook, in_hook } => write!(
                f,
                "user memory at {touched} may fault, the lock taken at {taken} was held, and the {hook} waits for that \
                 lock at {in_hook}"
            ),
            Self::MmapLockUnderLock { taken, called, hook, in_hook } => write!(
                f,
                "the mmap lock was waited for at {called} with the lock held that was taken at {taken}, and the {hook}, \
                 which has the mmap lock, waits for that one at {in_hook}"
            ),
            Self::LockOrders { held, waited, last_held, last_waited, locks } => write!(
                f,
                "{locks} locks are taken in a circle: the first at {held} and then the next at {waited}; the last at \
                 {last_held} and then the first at {last_waited}"
            ),
            Self::UnmapMissesMmap { inserted, unmapped } => write!(
                f,
                "the unmapping at {unmapped} has missed what was inserted at {inserted}, by a mmap hook that had not \
                 returned"
            ),
            Self::PageOfTwoUsers { first, second } => write!(
                f,
                "the page that is inserted at {second} is one of a pool, and whoever it was inserted for at {first} \
                 has it still"
            ),
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
    static OF_THIS_THREAD: RefCell<Option<Arc<Mutex<Vec<Report>>>>> = const { RefCell::new(None) };
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
        noted::follow(&OF_THIS_THREAD, &self.list);
    }
}

/// Reports something that this thread does. Nobody is told if it has had to do with no machine that collects reports.
pub(crate) fn report(report: Report) {
    if let Some(list) = noted::current(&OF_THIS_THREAD) {
        Reports { list }.add(report);
    }
}
