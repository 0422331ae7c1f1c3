//! The requests of a userfaultfd and the message of a page fault, which `libc` lacks.
//!
//! Structures and numbers are those of `include/uapi/linux/userfaultfd.h`. The size of each structure is asserted, and so
//! is each request number, which contains that size.

use std::{
    ffi::c_void,
    mem::offset_of,
    ops::Range,
    os::fd::{FromRawFd, OwnedFd},
    ptr,
};

use rustix::{
    fs::OFlags,
    io,
    ioctl::{self, Ioctl, IoctlOutput, Opcode, Updater, opcode},
};

use crate::error::RawErrno;

use super::sys;

const API: u8 = 0xaa;

/// `UFFDIO_REGISTER_MODE_MISSING`
pub(crate) const MODE_MISSING: u64 = 1;
/// `UFFDIO_REGISTER_MODE_WP`
pub(crate) const MODE_WP: u64 = 1 << 1;
/// `UFFDIO_REGISTER_MODE_MINOR`
pub(crate) const MODE_MINOR: u64 = 1 << 2;
/// `UFFDIO_CONTINUE_MODE_DONTWAKE`
pub(crate) const CONTINUE_DONTWAKE: u64 = 1;
/// `UFFDIO_CONTINUE_MODE_WP`
pub(crate) const CONTINUE_WP: u64 = 1 << 1;
/// `UFFDIO_WRITEPROTECT_MODE_WP`
pub(crate) const PROTECT_WP: u64 = 1;
/// `UFFDIO_WRITEPROTECT_MODE_DONTWAKE`
pub(crate) const PROTECT_DONTWAKE: u64 = 1 << 1;

/// `UFFD_EVENT_PAGEFAULT`
pub(crate) const EVENT_PAGEFAULT: u8 = 0x12;
/// `UFFD_PAGEFAULT_FLAG_WRITE`
pub(crate) const FAULT_WRITE: u64 = 1;
/// `UFFD_PAGEFAULT_FLAG_WP`
pub(crate) const FAULT_WP: u64 = 1 << 1;

#[repr(C)]
struct UffdioApi {
    api: u64,
    features: u64,
    ioctls: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct UffdioRange {
    start: u64,
    len: u64,
}

#[repr(C)]
struct UffdioRegister {
    range: UffdioRange,
    mode: u64,
    ioctls: u64,
}

/// `uffdio_zeropage`, `uffdio_continue` and `uffdio_poison`, which have one layout.
#[repr(C)]
struct UffdioFill {
    range: UffdioRange,
    mode: u64,
    done: i64,
}

#[repr(C)]
struct UffdioCopy {
    to: u64,
    from: u64,
    len: u64,
    mode: u64,
    done: i64,
}

#[repr(C)]
struct UffdioWriteprotect {
    range: UffdioRange,
    mode: u64,
}

/// `struct uffd_msg` of a page fault.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct UffdMsg {
    pub(crate) event: u8,
    reserved1: u8,
    reserved2: u16,
    reserved3: u32,
    pub(crate) flags: u64,
    pub(crate) address: u64,
    pub(crate) thread: u32,
    reserved4: u32,
}

const _: () = assert!(size_of::<UffdioApi>() == 24);
const _: () = assert!(size_of::<UffdioRange>() == 16);
const _: () = assert!(size_of::<UffdioRegister>() == 32);
const _: () = assert!(size_of::<UffdioFill>() == 32 && offset_of!(UffdioFill, done) == 24);
const _: () = assert!(size_of::<UffdioCopy>() == 40 && offset_of!(UffdioCopy, done) == 32);
const _: () = assert!(size_of::<UffdioWriteprotect>() == 24);
const _: () = assert!(size_of::<UffdMsg>() == 32 && offset_of!(UffdMsg, address) == 16);
const _: () = assert!(offset_of!(UffdMsg, thread) == 24);

const UFFDIO_API: Opcode = opcode::read_write::<UffdioApi>(API, 0x3f);
const UFFDIO_REGISTER: Opcode = opcode::read_write::<UffdioRegister>(API, 0x00);
const UFFDIO_WAKE: Opcode = opcode::read::<UffdioRange>(API, 0x02);
const UFFDIO_COPY: Opcode = opcode::read_write::<UffdioCopy>(API, 0x03);
const UFFDIO_ZEROPAGE: Opcode = opcode::read_write::<UffdioFill>(API, 0x04);
const UFFDIO_WRITEPROTECT: Opcode = opcode::read_write::<UffdioWriteprotect>(API, 0x06);
const UFFDIO_CONTINUE: Opcode = opcode::read_write::<UffdioFill>(API, 0x07);
const UFFDIO_POISON: Opcode = opcode::read_write::<UffdioFill>(API, 0x08);
/// `USERFAULTFD_IOC_NEW` of `/dev/userfaultfd`.
const USERFAULTFD_IOC_NEW: Opcode = opcode::none(API, 0x00);

const _: () = assert!(UFFDIO_API == 0xc018_aa3f && UFFDIO_REGISTER == 0xc020_aa00 && UFFDIO_WAKE == 0x8010_aa02);
const _: () = assert!(UFFDIO_CONTINUE == 0xc020_aa07 && UFFDIO_POISON == 0xc020_aa08);
const _: () = assert!(UFFDIO_COPY == 0xc028_aa03);
const _: () = assert!(UFFDIO_ZEROPAGE == 0xc020_aa04 && UFFDIO_WRITEPROTECT == 0xc018_aa06);

/// What a request did that works page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filled {
    /// Bytes, from the start of the range, that are done.
    pub(crate) done: usize,
    pub(crate) result: Result<(), RawErrno>,
}

/// `UFFDIO_API`: switches features on, and gives back those that the kernel has. A userfaultfd takes it once only.
pub(crate) fn api(fd: &OwnedFd, features: u64) -> Result<u64, RawErrno> {
    let mut api = UffdioApi { api: API.into(), features, ioctls: 0 };
    // SAFETY: the structure is the request's.
    unsafe { request::<UFFDIO_API, _>(fd, &mut api) }?;
    Ok(api.features)
}

/// `UFFDIO_REGISTER`
pub(crate) fn register(fd: &OwnedFd, range: &Range<usize>, mode: u64) -> Result<(), RawErrno> {
    let mut register = UffdioRegister { range: raw(range), mode, ioctls: 0 };
    // SAFETY: the structure is the request's.
    unsafe { request::<UFFDIO_REGISTER, _>(fd, &mut register) }
}

/// `UFFDIO_WAKE`: has whoever waits there repeat the access. Fails only for a range that is none.
pub(crate) fn wake(fd: &OwnedFd, range: &Range<usize>) -> Result<(), RawErrno> {
    let mut range = raw(range);
    // SAFETY: the structure is the request's.
    unsafe { request::<UFFDIO_WAKE, _>(fd, &mut range) }
}

/// Whether a descriptor is a userfaultfd's. Most others do not know the request at all. But `/dev/urandom` gives the same
/// answer to any request, and a file whose system is a program (FUSE) whatever that program likes: what is read from those
/// would be taken for messages. So it has to be a file without a name as well, as only the kernel itself makes them.
pub(crate) fn is_userfaultfd(fd: &OwnedFd) -> Result<bool, RawErrno> {
    if wake(fd, &(0..0)) != Err(RawErrno::INVAL) {
        return Ok(false);
    }
    sys::are_on_one_device(fd, &sys::event_fd()?)
}

/// `UFFDIO_CONTINUE`: maps pages that the memory object has.
#[inline]
pub(crate) fn map_existing(fd: &OwnedFd, range: &Range<usize>, mode: u64) -> Filled {
    fill::<UFFDIO_CONTINUE>(fd, range, mode)
}

/// `UFFDIO_POISON`
pub(crate) fn poison(fd: &OwnedFd, range: &Range<usize>) -> Filled {
    fill::<UFFDIO_POISON>(fd, range, 0)
}

/// `UFFDIO_ZEROPAGE`
pub(crate) fn map_zero_page(fd: &OwnedFd, range: &Range<usize>) -> Filled {
    fill::<UFFDIO_ZEROPAGE>(fd, range, 0)
}

#[inline]
fn fill<const REQUEST: Opcode>(fd: &OwnedFd, range: &Range<usize>, mode: u64) -> Filled {
    let mut fill = UffdioFill { range: raw(range), mode, done: 0 };
    // SAFETY: the structure is the request's.
    let result = unsafe { request::<REQUEST, _>(fd, &mut fill) };
    // Where it fails with nothing done, the kernel writes the negative error number here, and older ones nothing.
    Filled { done: usize::try_from(fill.done).unwrap_or(0).min(range.len()), result }
}

/// `UFFDIO_COPY`: fills a range with copies of this process's memory from `from` on. What is not mapped there is EFAULT.
#[inline]
pub(crate) fn copy(fd: &OwnedFd, range: &Range<usize>, from: usize) -> Filled {
    let mut copy = UffdioCopy { to: range.start as u64, from: from as u64, len: range.len() as u64, mode: 0, done: 0 };
    // SAFETY: the structure is the request's; the kernel only reads what is copied.
    let result = unsafe { request::<UFFDIO_COPY, _>(fd, &mut copy) };
    Filled { done: usize::try_from(copy.done).unwrap_or(0).min(range.len()), result }
}

/// `UFFDIO_WRITEPROTECT`
pub(crate) fn write_protect(fd: &OwnedFd, range: &Range<usize>, mode: u64) -> Result<(), RawErrno> {
    let mut protect = UffdioWriteprotect { range: raw(range), mode };
    // SAFETY: the structure is the request's.
    unsafe { request::<UFFDIO_WRITEPROTECT, _>(fd, &mut protect) }
}

/// A userfaultfd of `/dev/userfaultfd`, which this is a descriptor of.
pub(crate) fn new_of_device(device: OwnedFd) -> Result<OwnedFd, RawErrno> {
    // SAFETY: the request takes flags, and gives a new descriptor.
    unsafe { ioctl::ioctl(device, NewUserfaultfd) }
}

fn raw(range: &Range<usize>) -> UffdioRange {
    UffdioRange { start: range.start as u64, len: range.len() as u64 }
}

/// [`USERFAULTFD_IOC_NEW`]
struct NewUserfaultfd;

// SAFETY: as `userfaultfd_dev_ioctl` has it: the argument is a number, and the answer a descriptor.
unsafe impl Ioctl for NewUserfaultfd {
    type Output = OwnedFd;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        USERFAULTFD_IOC_NEW
    }

    fn as_ptr(&mut self) -> *mut c_void {
        ptr::without_provenance_mut(OFlags::CLOEXEC.bits() as usize)
    }

    unsafe fn output_from_ptr(answer: IoctlOutput, _: *mut c_void) -> io::Result<OwnedFd> {
        // SAFETY: the kernel has just given it, to nobody else.
        Ok(unsafe { OwnedFd::from_raw_fd(answer) })
    }
}

/// # Safety
/// `argument` is what the request takes.
#[inline]
unsafe fn request<const REQUEST: Opcode, T>(fd: &OwnedFd, argument: &mut T) -> Result<(), RawErrno> {
    #[cfg(test)]
    if REQUEST != UFFDIO_WAKE {
        super::failing::check()?;
    }
    // SAFETY: by this function's contract; the kernel keeps no pointer.
    unsafe { ioctl::ioctl(fd, Updater::<REQUEST, T>::new(argument)) }
}
