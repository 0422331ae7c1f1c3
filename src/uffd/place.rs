//! Whose addresses a session's mappings are at, and the system calls that only that process itself can make there.
//!
//! What a userfaultfd does, it does to the memory of the process that opened it, whoever asks. Mapping, unmapping and
//! protecting is another matter, and so is looking into the page tables.

use std::ops::Range;

use super::sys::{self, RawErrno, View};

/// Whose addresses.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// This process's.
    Here,
}

impl Place {
    /// [`sys::reserve`]
    pub(super) fn reserve(&self, bytes: usize, at: Option<usize>) -> Result<usize, RawErrno> {
        match self {
            Self::Here => sys::reserve(bytes, at),
        }
    }

    /// [`sys::replace`]
    ///
    /// # Safety
    /// The range is this platform's: reserved or mapped by it.
    pub(super) unsafe fn replace(&self, range: &Range<usize>, view: View<'_>) -> Result<(), RawErrno> {
        match self {
            // SAFETY: by this function's contract.
            Self::Here => unsafe { sys::replace(range, view) },
        }
    }

    /// [`sys::move_to`]
    ///
    /// # Safety
    /// Both ranges are this platform's, and nobody uses the first.
    pub(super) unsafe fn move_to(&self, from: &Range<usize>, to: usize) -> Result<(), RawErrno> {
        match self {
            // SAFETY: by this function's contract.
            Self::Here => unsafe { sys::move_to(from, to) },
        }
    }

    /// [`sys::bury`]
    ///
    /// # Safety
    /// As [`replace`](Self::replace).
    pub(super) unsafe fn bury(&self, range: &Range<usize>) -> Result<(), RawErrno> {
        match self {
            // SAFETY: by this function's contract.
            Self::Here => unsafe { sys::bury(range) },
        }
    }

    /// [`sys::unmap`]
    ///
    /// # Safety
    /// The range is all of what was reserved at once, and nobody uses it any more.
    pub(super) unsafe fn unmap(&self, range: &Range<usize>) {
        match self {
            // SAFETY: by this function's contract.
            Self::Here => unsafe { sys::unmap(range) },
        }
    }

    /// [`sys::protect`]
    ///
    /// # Safety
    /// The range is this platform's.
    pub(super) unsafe fn protect(&self, range: &Range<usize>, prot: libc::c_int) -> Result<(), RawErrno> {
        match self {
            // SAFETY: by this function's contract.
            Self::Here => unsafe { sys::protect(range, prot) },
        }
    }

    /// [`sys::zap`]
    ///
    /// # Safety
    /// The range is this platform's.
    pub(super) unsafe fn zap(&self, range: &Range<usize>) -> Result<(), RawErrno> {
        match self {
            // SAFETY: by this function's contract.
            Self::Here => unsafe { sys::zap(range) },
        }
    }

    /// Which pages of a range are the process's own copies.
    pub(super) fn private_copies(&self, range: &Range<usize>) -> Result<Vec<bool>, RawErrno> {
        match self {
            Self::Here => {
                sys::private_copies(range).map_err(|error| RawErrno(error.raw_os_error().unwrap_or(libc::EIO)))
            }
        }
    }
}
