//! Faults that are served by the thread that has them: the kernel sends it a SIGBUS, and the handler calls the driver.

use std::{
    cell::RefCell,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::RwLock;

use super::{fault, hook, session::Inner, stats::Counters};

/// The sessions of this process whose faults are served so.
static SESSIONS: RwLock<Vec<Weak<Inner>>> = RwLock::new(Vec::new());
/// How often that has changed.
static CHANGES: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The same as this thread last saw it: a fault takes no lock that all threads share.
    static SEEN: RefCell<Seen> = const { RefCell::new(Seen { changes: 0, sessions: Vec::new() }) };
}

struct Seen {
    changes: u64,
    sessions: Vec<Counted>,
}

/// A session, and this thread's own counts of it.
struct Counted {
    session: Weak<Inner>,
    counters: Arc<Counters>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(session) = self.session.upgrade() {
            session.take_over(&self.counters);
        }
    }
}

/// From now on this session's faults are looked for.
pub(super) fn add(inner: &Arc<Inner>) {
    let mut sessions = SESSIONS.write();
    sessions.retain(|session| session.strong_count() != 0);
    sessions.push(Arc::downgrade(inner));
    CHANGES.fetch_add(1, Ordering::Release);
}

/// A SIGBUS of this thread's: whether it was a fault of a session's, and the access is to be repeated.
///
/// The thread is where it touches memory, so it holds no lock of a session's, unless it is inside a hook: then nobody
/// serves it, as it would wait for itself.
pub(super) fn serve(address: usize, write: bool) -> bool {
    if hook::in_the_way().is_some() {
        return false;
    }
    let serve = |seen: &RefCell<Seen>| {
        if seen.borrow().changes != CHANGES.load(Ordering::Acquire) {
            look(seen);
        }
        // Nobody changes it meanwhile: a hook that comes here again is refused above.
        let seen = seen.borrow();
        let sessions = || seen.sessions.iter().filter_map(|counted| Some((counted.session.upgrade()?, counted)));
        let served =
            sessions().find_map(|(session, counted)| fault::serve_own(&session, &counted.counters, address, write));
        // Unmapped meanwhile: the kernel decides.
        served.unwrap_or_else(|| sessions().any(|(session, _)| session.has(address)))
    };
    // A thread that is at its end has put it away already.
    SEEN.try_with(serve).unwrap_or(false)
}

/// Looks at the list, if that has changed.
#[cold]
fn look(seen: &RefCell<Seen>) {
    let changes = CHANGES.load(Ordering::Acquire);
    let count = |session: &Weak<Inner>| {
        let counters = session.upgrade()?.counters_of_a_thread();
        Some(Counted { session: Weak::clone(session), counters })
    };
    let now: Vec<Weak<Inner>> = SESSIONS.read_recursive().clone();
    let mut seen = seen.borrow_mut();
    seen.sessions.retain(|old| now.iter().any(|session| session.ptr_eq(&old.session)));
    let is_new = |session: &&Weak<Inner>| !seen.sessions.iter().any(|old| session.ptr_eq(&old.session));
    let new: Vec<Counted> = now.iter().filter(is_new).filter_map(count).collect();
    seen.sessions.extend(new);
    seen.changes = changes;
}
