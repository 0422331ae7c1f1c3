//! Accesses that are repeated again and again, with nothing inserted.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;

use crate::kernel::sys::page_of;

/// How often each page's access was repeated since something was last inserted there.
pub(crate) struct Refaults {
    by_page: Mutex<HashMap<usize, usize>>,
    /// Whether there is any: most faults insert something, and need not take the lock to forget that nothing was.
    is_any: AtomicBool,
    limit: usize,
}

impl Refaults {
    pub(crate) fn new(limit: usize) -> Self {
        Self { by_page: Mutex::default(), is_any: AtomicBool::new(false), limit }
    }

    /// An access is repeated once more. Gives back how often it was, if that is too often.
    pub(crate) fn note(&self, address: usize) -> Option<usize> {
        let mut by_page = self.by_page.lock();
        let times = by_page.entry(page_of(address).start).or_insert(0);
        *times += 1;
        self.is_any.store(true, Ordering::Relaxed);
        let times = *times;
        if times < self.limit {
            return None;
        }
        by_page.remove(&page_of(address).start);
        Some(times)
    }

    /// Something was inserted at an address.
    pub(crate) fn forget(&self, address: usize) {
        if !self.is_any.load(Ordering::Relaxed) {
            return;
        }
        let mut by_page = self.by_page.lock();
        by_page.remove(&page_of(address).start);
        self.is_any.store(!by_page.is_empty(), Ordering::Relaxed);
    }
}
