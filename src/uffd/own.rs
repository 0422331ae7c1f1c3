//! Faults that are served by the thread that has them: the kernel sends it a SIGBUS, and the handler calls the driver.

use std::sync::{Arc, Weak};

use parking_lot::RwLock;

use super::{fault, hook, session::Inner};

/// The sessions of this process whose faults are served so.
static SESSIONS: RwLock<Vec<Weak<Inner>>> = RwLock::new(Vec::new());

/// From now on this session's faults are looked for.
pub(super) fn add(inner: &Arc<Inner>) {
    let mut sessions = SESSIONS.write();
    sessions.retain(|session| session.strong_count() != 0);
    sessions.push(Arc::downgrade(inner));
}

/// A SIGBUS of this thread's: whether it was a fault of a session's, and the access is to be repeated.
///
/// The thread is where it touches memory, so it holds no lock of a session's, unless it is inside a hook: then nobody
/// serves it, as it would wait for itself.
pub(super) fn serve(address: usize, write: bool) -> bool {
    if hook::in_the_way().is_some() {
        return false;
    }
    let found = SESSIONS.read_recursive().iter().filter_map(Weak::upgrade).find(|session| session.has(address));
    found.is_some_and(|session| fault::serve_own(&session, address, write))
}
