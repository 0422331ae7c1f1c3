//! What a thread keeps for itself, and drops when it ends.

use std::{any::Any, cell::RefCell};

thread_local! {
    static KEPT: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// From now on this thread keeps what it is [given](keep) until the very end: what a thread has used first it drops last, so
/// this comes before whatever a platform notes for the thread.
pub(crate) fn begin() {
    KEPT.with_borrow_mut(Vec::clear);
}

/// This thread drops the value when it ends.
pub(crate) fn keep(value: impl Any) {
    KEPT.with_borrow_mut(|kept| kept.push(Box::new(value)));
}
