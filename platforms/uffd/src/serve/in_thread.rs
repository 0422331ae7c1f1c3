//! Faults that are served by the thread that has them: the kernel sends it a SIGBUS, and the handler calls the driver.

use std::{
    cell::RefCell,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::RwLock;

use vmctx_hosted::hook;

use crate::{kernel::signals::ServeSigbus, statistics::Counters};

use super::{batch::Batch, hook_call::PageFault, shared::Shared, vmf::OWN_THREAD, waiters::End};

/// The sessions of this process whose faults are served so.
static SESSIONS: RwLock<Vec<Weak<Shared>>> = RwLock::new(Vec::new());
/// How often that has changed.
static CHANGES: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// A copy of the list for this thread, so that a fault takes no lock that all threads share.
    static KNOWN: RefCell<Known> = const { RefCell::new(Known::NONE) };
}

/// The sessions that a thread knows of.
struct Known {
    /// [`CHANGES`] when they were last looked up.
    changes: u64,
    sessions: Vec<KnownSession>,
}

impl Known {
    const NONE: Self = Self { changes: 0, sessions: Vec::new() };
}

/// A session, and the thread's own counts of its faults.
struct KnownSession {
    session: Weak<Shared>,
    counters: Arc<Counters>,
}

impl Drop for KnownSession {
    fn drop(&mut self) {
        // A child of fork counts for nobody.
        if let Some(session) = self.session.upgrade().filter(|session| session.memory.is_here()) {
            session.take_over(&self.counters);
        }
    }
}

/// From now on a SIGBUS may be a fault of this session's.
pub(crate) fn add(session: &Arc<Shared>) {
    let mut sessions = SESSIONS.write();
    sessions.retain(|session| session.strong_count() != 0);
    sessions.push(Arc::downgrade(session));
    CHANGES.fetch_add(1, Ordering::Release);
}

/// All sessions of the process whose faults are served by the threads that have them.
pub(crate) enum InThread {}

impl ServeSigbus for InThread {
    /// The thread is where it touches memory, so it holds no lock of a session's, unless it is inside a hook. Then the
    /// fault is not served, because the thread would wait for itself.
    fn serve(address: usize, write: bool) -> bool {
        if hook::in_the_way().is_some() {
            return false;
        }
        let serve = |known: &RefCell<Known>| {
            if known.borrow().changes != CHANGES.load(Ordering::Acquire) {
                look_up(known);
            }
            // Nobody changes it while it is borrowed: a hook of this thread that faults is refused above.
            let known = known.borrow();
            let here = |session: &Arc<Shared>| session.memory.is_here();
            let upgraded = |known: &KnownSession| known.session.upgrade().filter(here);
            let sessions = || known.sessions.iter().filter_map(|known| Some((upgraded(known)?, known)));
            let served = sessions().find_map(|(session, known)| serve_in(&session, &known.counters, address, write));
            // If it was unmapped meanwhile, the access is repeated, and the kernel decides. But if somebody else has mapped
            // something there since, the signal may be of that, and would come again and again.
            served.unwrap_or_else(|| {
                sessions().any(|(session, _)| {
                    session.space.take_away_again();
                    session.space.addresses.has(address) && !session.is_stray(address)
                })
            })
        };
        // At its end the thread has dropped the list already, and what it has kept for itself may still touch memory while
        // it is dropped. So the list is looked up anew for each of these faults.
        KNOWN.try_with(serve).unwrap_or_else(|_| serve(&RefCell::new(Known::NONE)))
    }
}

/// Serves this thread's fault, if it is one of this session's. Whether the access is to be repeated; otherwise the thread
/// gets the SIGBUS.
fn serve_in(session: &Arc<Shared>, counters: &Counters, address: usize, write: bool) -> Option<bool> {
    let batch = Batch::of_one();
    let fault = PageFault { shared: session, counters, address, write, thread: OWN_THREAD, batch: &batch };
    let mut locked = session.space.lock_vma(address)?;
    if locked.is_stopped() {
        return Some(false);
    }
    counters.count(|of| &of.events);
    // The signal does not say whether the page is missing or write-protected. If the kernel has forgotten a page that is
    // to be protected, the fault is taken for a first store, and the next one shows that the page is missing.
    let protected = write && locked.table().is_protected(address);
    Some(!matches!(fault.resolve(&mut locked, protected, None), End::Fail))
}

/// Looks the sessions up again: the list has changed.
#[cold]
fn look_up(known: &RefCell<Known>) {
    let changes = CHANGES.load(Ordering::Acquire);
    let count = |session: &Weak<Shared>| {
        let counters = session.upgrade().filter(|session| session.memory.is_here())?.counters_of_a_thread();
        Some(KnownSession { session: Weak::clone(session), counters })
    };
    let now: Vec<Weak<Shared>> = SESSIONS.read_recursive().clone();
    let mut known = known.borrow_mut();
    known.sessions.retain(|old| now.iter().any(|session| session.ptr_eq(&old.session)));
    let is_new = |session: &&Weak<Shared>| !known.sessions.iter().any(|old| session.ptr_eq(&old.session));
    let new: Vec<KnownSession> = now.iter().filter(is_new).filter_map(count).collect();
    known.sessions.extend(new);
    known.changes = changes;
}
