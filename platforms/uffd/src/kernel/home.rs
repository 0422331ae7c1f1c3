//! Which process something was made in. A child of fork inherits it, and must leave it alone: descriptors, sockets and
//! userfaultfds are its parent's, and threads that would answer are not there.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use crate::error::RawErrno;

use super::sys;

/// The number of this process, in a page that has zeros in a child.
static NUMBER: OnceLock<&AtomicU64> = OnceLock::new();
/// The number that the next process gets: a child has a copy of it, so no ancestor of a process has its number.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The process that something was made in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Home(u64);

impl Home {
    /// This process.
    pub(crate) fn here() -> Result<Self, RawErrno> {
        let number = match NUMBER.get() {
            Some(number) => number,
            None => {
                let page = sys::page_without_heirs()?;
                NUMBER.get_or_init(|| page)
            }
        };
        if number.load(Ordering::Relaxed) == 0 {
            let new = NEXT.fetch_add(1, Ordering::Relaxed);
            // If another thread was faster, its number is the process's.
            let _ = number.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed);
        }
        Ok(Self(number.load(Ordering::Relaxed)))
    }

    /// Whether this is still that process, and no child of it.
    #[inline]
    pub(crate) fn is_here(self) -> bool {
        NUMBER.get().is_some_and(|number| number.load(Ordering::Relaxed) == self.0)
    }

    /// # Errors
    /// ESRCH in a child.
    #[inline]
    pub(crate) fn check(self) -> Result<(), RawErrno> {
        if self.is_here() { Ok(()) } else { Err(RawErrno::SRCH) }
    }
}
