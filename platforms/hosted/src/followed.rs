//! What a thread has last had to do with. Locks and allocations do not know of which machine they are, so what they
//! notice goes to the machine that their thread follows.

use std::{cell::RefCell, sync::Arc, thread::LocalKey};

/// What this thread follows, of one sort.
pub(crate) type Followed<T> = LocalKey<RefCell<Option<Arc<T>>>>;

/// From now on this thread follows this one.
pub(crate) fn follow<T>(followed: &'static Followed<T>, this: &Arc<T>) {
    // A thread that ends follows nothing any more.
    let _ = followed.try_with(|current| {
        if !current.borrow().as_ref().is_some_and(|current| Arc::ptr_eq(current, this)) {
            current.replace(Some(Arc::clone(this)));
        }
    });
}

/// What this thread follows, if anything.
pub(crate) fn current<T>(followed: &'static Followed<T>) -> Option<Arc<T>> {
    followed.try_with(|current| current.borrow().clone()).ok().flatten()
}
