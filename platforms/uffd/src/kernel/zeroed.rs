//! Large slices of zeros, which cost memory where they are used.

use std::{
    alloc::{Layout, alloc_zeroed, dealloc},
    ops::Deref,
    ptr::{self, NonNull},
    slice,
    sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize},
};

use crate::error::RawErrno;

use super::sys;

/// From here on it has a mapping of its own.
const LARGE: usize = 1 << 16;

/// # Safety
/// Zeros are a value of it, and it needs no drop.
pub(crate) unsafe trait Zeros {}

// SAFETY: zeros are `false`, and an atomic is dropped as a plain value is.
unsafe impl Zeros for AtomicBool {}
// SAFETY: zeros are the number 0, and an atomic is dropped as a plain value is.
unsafe impl Zeros for AtomicU8 {}
// SAFETY: as for `AtomicU8`.
unsafe impl Zeros for AtomicU64 {}
// SAFETY: as for `AtomicU8`.
unsafe impl Zeros for AtomicUsize {}

/// A slice that begins as zeros. What was never stored to takes no memory, but for addresses.
///
/// # Invariants
/// `at` is so many values that are nobody else's, made as `layout` says, or anything if that has no bytes.
pub(crate) struct Zeroed<T: Zeros> {
    at: NonNull<T>,
    len: usize,
    layout: Layout,
}

// SAFETY: it owns what it points to.
unsafe impl<T: Zeros + Send> Send for Zeroed<T> {}
// SAFETY: it owns what it points to, and a shared reference to it gives shared references to that.
unsafe impl<T: Zeros + Sync> Sync for Zeroed<T> {}

impl<T: Zeros> Zeroed<T> {
    /// # Errors
    /// ENOMEM.
    pub(crate) fn new(len: usize) -> Result<Self, RawErrno> {
        let layout = Layout::array::<T>(len).map_err(|_| RawErrno::NOMEM)?;
        let at = if layout.size() == 0 {
            ptr::null_mut()
        } else if layout.size() < LARGE {
            // SAFETY: it has bytes.
            NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(RawErrno::NOMEM)?.as_ptr()
        } else {
            sys::map_zeros(layout.size())?.cast()
        };
        Ok(Self { at: NonNull::new(at.cast::<T>()).unwrap_or(NonNull::dangling()), len, layout })
    }
}

impl<T: Zeros> Deref for Zeroed<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: the invariant; zeros are values.
        unsafe { slice::from_raw_parts(self.at.as_ptr(), self.len) }
    }
}

impl<T: Zeros> Drop for Zeroed<T> {
    fn drop(&mut self) {
        let (at, bytes) = (self.at.as_ptr().cast(), self.layout.size());
        // SAFETY: the invariant. Nobody has a reference any more, and the values need no drop.
        unsafe {
            if bytes >= LARGE {
                sys::unmap(&(self.at.as_ptr().addr()..self.at.as_ptr().addr() + bytes));
            } else if bytes != 0 {
                dealloc(at, self.layout);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn it_has_as_many_zeros_as_were_asked_for_or_there_is_no_memory() {
        for len in [0, 1, 100, LARGE, 10 * LARGE] {
            let zeroed = Zeroed::<AtomicU64>::new(len).unwrap();
            assert_eq!(zeroed.len(), len);
            if let Some(last) = zeroed.last() {
                assert_eq!(last.swap(7, Ordering::Relaxed), 0);
                assert_eq!(
                    (zeroed[len - 1].load(Ordering::Relaxed), zeroed[len / 2].load(Ordering::Relaxed)),
                    (7, if len == 1 { 7 } else { 0 })
                );
            }
        }
        assert_eq!(Zeroed::<AtomicU64>::new(usize::MAX / 16).map(drop), Err(RawErrno::NOMEM));
        assert_eq!(Zeroed::<AtomicU64>::new(usize::MAX).map(drop), Err(RawErrno::NOMEM));
    }
}
