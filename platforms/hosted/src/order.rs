//! The order in which a thread takes locks of drivers, the mmap lock, and what a page fault takes.
//!
//! As lockdep does (`kernel/locking/lockdep.c`), what is seen is kept and compared, so that a wrong order is told when
//! both halves have been seen, each by itself, and not only when two threads meet. Here each lock is looked at by
//! itself, and not with all others that were made at the same place: a driver may take the locks of two objects in the
//! order of their addresses.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    panic::Location,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    hook::{self, Hook},
    noted,
    report::{Report, report},
};

/// A place in the program.
type Place = &'static Location<'static>;

/// What is known of one lock.
pub(crate) struct Order {
    number: u64,
    /// A thread with the mmap lock has waited for it: `seen.by_hook` is there.
    by_hook: AtomicBool,
    /// `seen.user_memory` or `seen.mmap_lock` is there.
    outside: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The first time that a thread with the mmap lock has waited for it.
    by_hook: Option<(Hook, Place)>,
    /// The first time that user memory was touched while it was held: where it was taken, and where that was.
    user_memory: Option<(Place, Place)>,
    /// The same for the mmap lock.
    mmap_lock: Option<(Place, Place)>,
    /// The locks that were waited for while it was held, by their numbers.
    then: BTreeMap<u64, Then>,
    /// How many of these there may be before those that have gone are looked for.
    many: usize,
}

/// A lock was waited for while another was held.
struct Then {
    lock: Weak<Order>,
    held: Place,
    waited: Place,
}

/// What a thread wants that may hold locks of drivers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// What may fault, or takes the mmap lock as a system call.
    UserMemory,
    /// The mmap lock, for an established mapping.
    MmapLock,
}

/// How a lock is held, or waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Shared,
    Exclusive,
}

thread_local! {
    /// The locks that this thread holds.
    static HELD: RefCell<Vec<HeldLock>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone)]
struct HeldLock {
    lock: Arc<Order>,
    mode: Mode,
    taken: Place,
}

impl Order {
    /// For a new lock.
    pub(crate) fn new() -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            by_hook: AtomicBool::new(false),
            outside: AtomicBool::new(false),
            seen: Mutex::default(),
        })
    }

    /// This thread is about to wait for the lock. Called before it waits: whoever has the lock may be about to wait for
    /// what this thread has.
    ///
    /// # Panics
    /// If it would wait for itself, for ever.
    #[track_caller]
    pub(crate) fn before_waiting(self: &Arc<Self>, mode: Mode) {
        let waited = Location::caller();
        if let Some(hook) = hook::with_mmap_lock() {
            self.wanted_by_hook(hook, waited);
        }
        for before in &held() {
            if before.lock.number != self.number {
                before.lock.then(self, before.taken, waited);
            } else if mode == Mode::Exclusive || before.mode == Mode::Exclusive {
                wait_for_oneself(before.taken, waited);
            }
        }
    }

    /// Whether this thread holds the lock.
    pub(crate) fn is_held(&self) -> bool {
        noted::with(&HELD, |held| held.iter().any(|held| held.lock.number == self.number))
    }

    /// A thread that has the mmap lock is about to wait for this lock.
    fn wanted_by_hook(&self, hook: Hook, waited: Place) {
        if self.by_hook.load(Ordering::Acquire) && !self.outside.load(Ordering::Acquire) {
            return;
        }
        let mut seen = self.seen.lock();
        let by_hook = *seen.by_hook.get_or_insert((hook, waited));
        self.by_hook.store(true, Ordering::Release);
        let (user_memory, mmap_lock) = (seen.user_memory, seen.mmap_lock);
        drop(seen);
        for (wanted, outside) in [(Wanted::UserMemory, user_memory), (Wanted::MmapLock, mmap_lock)] {
            if let Some((taken, called)) = outside {
                wanted.report(taken, called, by_hook);
            }
        }
    }

    /// A thread that holds this lock wants what a page fault takes, or the mmap lock.
    fn held_by_whoever_wants(&self, wanted: Wanted, taken: Place, called: Place) {
        let mut seen = self.seen.lock();
        let first = match wanted {
            Wanted::UserMemory => &mut seen.user_memory,
            Wanted::MmapLock => &mut seen.mmap_lock,
        };
        first.get_or_insert((taken, called));
        self.outside.store(true, Ordering::Release);
        let by_hook = seen.by_hook;
        drop(seen);
        if let Some(by_hook) = by_hook {
            wanted.report(taken, called, by_hook);
        }
    }

    /// A thread that holds this lock is about to wait for another.
    fn then(&self, other: &Arc<Self>, held: Place, waited: Place) {
        let mut seen = self.seen.lock();
        if seen.then.contains_key(&other.number) {
            return;
        }
        if seen.then.len() >= seen.many {
            seen.then.retain(|_, then| then.lock.strong_count() != 0);
            seen.many = (2 * seen.then.len()).max(16);
        }
        seen.then.insert(other.number, Then { lock: Arc::downgrade(other), held, waited });
        drop(seen);
        // Another order, if it comes at the same time, has been entered by now, or finds this one.
        if let Some((last_held, last_waited, between)) = self.end_of_a_way_from(other) {
            report(Report::LockOrders { held, waited, last_held, last_waited, locks: between.saturating_add(2) });
        }
    }

    /// Whether threads have come to wait for this lock from that one, each with what the one before has waited for: where
    /// the last of them has taken its lock and waited for this one, and how many locks are between the two.
    fn end_of_a_way_from(&self, start: &Arc<Self>) -> Option<(Place, Place, usize)> {
        let mut met = BTreeSet::from([start.number]);
        let mut next = VecDeque::from([(Arc::clone(start), 0_usize)]);
        while let Some((lock, between)) = next.pop_front() {
            let seen = lock.seen.lock();
            if let Some(then) = seen.then.get(&self.number) {
                return Some((then.held, then.waited, between));
            }
            let new = seen.then.iter().filter(|(number, _)| met.insert(**number));
            next.extend(new.filter_map(|(_, then)| Some((then.lock.upgrade()?, between.saturating_add(1)))));
        }
        None
    }
}

impl Wanted {
    fn report(self, taken: Place, called: Place, (hook, in_hook): (Hook, Place)) {
        report(match self {
            Self::UserMemory => Report::UserMemoryUnderLock { taken, touched: called, hook, in_hook },
            Self::MmapLock => Report::MmapLockUnderLock { taken, called, hook, in_hook },
        });
    }
}

#[expect(clippy::panic, reason = "the alternative is a test that hangs")]
fn wait_for_oneself(taken: Place, waited: Place) -> ! {
    panic!("the lock waited for at {waited} is held by this very thread, which has taken it at {taken}");
}

/// The locks that this thread holds.
fn held() -> Vec<HeldLock> {
    noted::with(&HELD, |held| held.clone())
}

/// Whether this thread holds a driver's lock.
pub(crate) fn holds_any() -> bool {
    noted::with(&HELD, |held| !held.is_empty())
}

/// Whether this thread holds a lock for which a thread with the mmap lock has ever waited.
pub(crate) fn holds_a_hooks_lock() -> bool {
    noted::with(&HELD, |held| held.iter().any(|held| held.lock.by_hook.load(Ordering::Acquire)))
}

/// This thread is about to do something for which the mmap lock is waited for, in a page fault or at once.
#[track_caller]
pub(crate) fn wants(wanted: Wanted) {
    let called = Location::caller();
    for held in held() {
        held.lock.held_by_whoever_wants(wanted, held.taken, called);
    }
}

/// This thread holds a lock, until the value is dropped: by the same thread, because the guard beside it is not `Send`.
pub(crate) struct Held {
    number: u64,
}

impl Held {
    #[track_caller]
    pub(crate) fn note(lock: &Arc<Order>, mode: Mode) -> Self {
        let taken = Location::caller();
        noted::with(&HELD, |held| held.push(HeldLock { lock: Arc::clone(lock), mode, taken }));
        Self { number: lock.number }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let gone = noted::with(&HELD, |held| {
            let index = held.iter().rposition(|held| held.lock.number == self.number)?;
            Some(held.swap_remove(index))
        });
        drop(gone);
    }
}
