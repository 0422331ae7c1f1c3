//! The bytes of pages, as the driver's side has them.

use std::{os::fd::BorrowedFd, ptr};

use crate::{
    error::RawErrno,
    kernel::{
        signals,
        sys::{self, PAGE_SIZE},
    },
};

use super::{Frames, bytes};

impl Frames {
    /// Where a page's bytes are, so many from an offset on, if they are to be had.
    ///
    /// Users may change them at any time, as hardware does, and so may other threads of the driver's. So nobody has a
    /// reference to them, and all copying is done by instructions that the language knows nothing of, byte by byte as far as
    /// it is concerned.
    pub(crate) fn bytes_of(&self, pfn: u64, offset: usize, len: usize) -> Option<usize> {
        let end = offset.checked_add(len)?;
        (self.is_here() && end <= PAGE_SIZE).then(|| self.view.start + bytes(self.place(pfn)) + offset)
    }

    pub(super) fn clear(&self, pfn: u64) {
        self.write(pfn, 0, &[0; PAGE_SIZE]);
    }

    /// Loads bytes of a page. `false`, and nothing is copied, if they do not all lie in it.
    pub(crate) fn read(&self, pfn: u64, offset: usize, into: &mut [u8]) -> bool {
        let Some(from) = self.bytes_of(pfn, offset, into.len()) else { return false };
        // SAFETY: one side is the caller's. On the other the object is mapped for as long as it lives.
        unsafe { signals::copy(into.as_mut_ptr(), ptr::with_exposed_provenance(from), into.len()) }.is_ok()
    }

    /// Stores bytes to a page. As [`read`](Self::read).
    pub(crate) fn write(&self, pfn: u64, offset: usize, from: &[u8]) -> bool {
        let Some(to) = self.bytes_of(pfn, offset, from.len()) else { return false };
        // SAFETY: one side is the caller's. On the other the object is mapped for as long as it lives.
        unsafe { signals::copy(ptr::with_exposed_provenance_mut(to), from.as_ptr(), from.len()) }.is_ok()
    }

    /// Has the kernel read a file into a page, from a byte of the file on, until the page or the file ends. How many bytes
    /// that were.
    pub(crate) fn fill_from(&self, pfn: u64, file: BorrowedFd<'_>, offset: u64) -> Result<usize, RawErrno> {
        self.home.check()?;
        let to = self.bytes_of(pfn, 0, PAGE_SIZE).ok_or(RawErrno::INVAL)?;
        // SAFETY: the object is mapped for as long as it lives; nobody has a reference to the bytes.
        unsafe { sys::read_at(file, &(to..to + PAGE_SIZE), offset) }
    }

    /// Has the kernel write the first bytes of a page to a file, from a byte of the file on.
    pub(crate) fn write_to(&self, pfn: u64, file: BorrowedFd<'_>, offset: u64, len: usize) -> Result<(), RawErrno> {
        self.home.check()?;
        let from = self.bytes_of(pfn, 0, len).ok_or(RawErrno::INVAL)?;
        // SAFETY: the object is mapped for as long as it lives.
        let written = unsafe { sys::write_at(file, &(from..from + len), offset) }?;
        if written == len { Ok(()) } else { Err(RawErrno::IO) }
    }
}
