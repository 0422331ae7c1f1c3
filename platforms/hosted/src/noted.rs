//! What is noted for a thread, as long as it runs: the locks that it holds, and what it has last had to do with. Locks and
//! allocations do not know of which machine they are, so what they notice goes to the machine that their thread follows.

use std::{cell::RefCell, sync::Arc, thread::LocalKey};

/// What this thread follows, of one sort.
pub(crate) type Followed<T> = LocalKey<RefCell<Option<Arc<T>>>>;

/// Looks at what is noted for this thread. For a thread that ends, and drops what it has kept for itself, nothing is noted
/// any more.
pub(crate) fn with<T, R: Default>(noted: &'static LocalKey<RefCell<T>>, look: impl FnOnce(&mut T) -> R) -> R {
    noted.try_with(|noted| look(&mut noted.borrow_mut())).unwrap_or_default()
}

/// From now on this thread follows this one.
pub(crate) fn follow<T>(followed: &'static Followed<T>, this: &Arc<T>) {
    let before = with(followed, |current| {
        let is_new = !current.as_ref().is_some_and(|current| Arc::ptr_eq(current, this));
        if is_new { current.replace(Arc::clone(this)) } else { None }
    });
    drop(before);
}

/// What this thread follows, if anything.
pub(crate) fn current<T>(followed: &'static Followed<T>) -> Option<Arc<T>> {
    with(followed, |current| current.clone())
}
