//! An open device of the module, and its mappings.

use std::{
    ffi::CString,
    fs::{File, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, RawFd},
        unix::fs::{FileExt, OpenOptionsExt},
    },
    ptr,
};

use vmctx::{Errno, UserAddr};
use vmctx_conformance::{
    Device, Site,
    user::{Map, Refusal, Trap, User},
};

use crate::{child::Child, trap};

/// Bytes in a page.
pub(crate) const PAGE: usize = 4096;

/// The kernel that this runs on.
pub(crate) struct Kernel;

/// A process that has a device open: this one, or a child of it.
pub(crate) struct Process {
    pub(crate) file: File,
    /// The device maps frames for good (`remap_pfn_range`).
    remapped: bool,
    child: Option<Child>,
}

/// `struct vmctx_gauge` of `kernel/module/devices.h`.
#[repr(C)]
struct RawGauge {
    which: u64,
    page: u64,
    value: u64,
}

/// `VMCTX_GAUGE`: `_IOWR('v', 0, struct vmctx_gauge)`.
const VMCTX_GAUGE: libc::c_ulong = 0xc018_7600;

/// The errno of the system call that has just failed.
pub(crate) fn last_errno() -> Refusal {
    refusal(&io::Error::last_os_error())
}

pub(crate) fn refusal(error: &io::Error) -> Refusal {
    match error.raw_os_error().and_then(Errno::from_raw) {
        Some(errno) => Refusal::Errno(errno),
        None => Refusal::Other(error.to_string()),
    }
}

impl Site for Kernel {
    type User = Process;

    fn open(&self, device: Device) -> Result<Process, String> {
        Process::open(device.name(), 0).map_err(|error| error.to_string())
    }
}

impl Process {
    pub(crate) fn open(name: &str, flags: i32) -> io::Result<Self> {
        let path = format!("/dev/vmctx-{name}");
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
        Ok(Self {
            file,
            remapped: Device::from_name(name).is_some_and(|device| device.kind().contains("Remapped")),
            child: None,
        })
    }

    /// `mmap` at an address, where nothing is mapped.
    pub(crate) fn map_at(&self, map: Map, at: UserAddr) -> Result<UserAddr, Refusal> {
        let (prot, flags, offset) = arguments(map)?;
        let flags = flags | libc::MAP_FIXED_NOREPLACE;
        // SAFETY: nothing is replaced.
        mapped(unsafe {
            libc::mmap(at.get() as *mut libc::c_void, map.pages * PAGE, prot, flags, self.file.as_raw_fd(), offset)
        })
    }

    /// `mremap` to a place that the kernel likes.
    pub(crate) fn move_to_somewhere(&self, at: UserAddr, pages: usize) -> Result<UserAddr, Refusal> {
        let len = pages * PAGE;
        let anonymous = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let place = mmap(-1, len, libc::PROT_NONE, anonymous, 0)?;
        mremap(at, len, place, len)
    }

    /// A number of the module's, by its number there.
    pub(crate) fn number(&self, which: u32, page: usize) -> Result<u64, Refusal> {
        match &self.child {
            None => gauge(self.file.as_raw_fd(), which.into(), page),
            Some(child) => child.number(which.into(), page),
        }
    }
}

/// `VMCTX_GAUGE`, as it is.
pub(crate) fn gauge(file: RawFd, which: u64, page: usize) -> Result<u64, Refusal> {
    let mut gauge = RawGauge { which, page: page as u64, value: 0 };
    // SAFETY: the request takes a `struct vmctx_gauge`, and this is one.
    match unsafe { libc::ioctl(file, VMCTX_GAUGE, &mut gauge) } {
        0 => Ok(gauge.value),
        _ => Err(last_errno()),
    }
}

/// `mremap`, as it is, to where something may be mapped.
pub(crate) fn mremap(from: UserAddr, len: usize, to: UserAddr, new_len: usize) -> Result<UserAddr, Refusal> {
    let (from, to) = (from.get() as *mut libc::c_void, to.get() as *mut libc::c_void);
    // SAFETY: the moved range is a mapping of a device's, and what is replaced was mapped for this, or is one as well.
    mapped(unsafe { libc::mremap(from, len, new_len, libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED, to) })
}

/// `process_vm_readv` of one byte of this process's own mapping.
pub(crate) fn copied(at: UserAddr) -> Result<(), Refusal> {
    let mut byte = 0_u8;
    let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: at.get() as *mut libc::c_void, iov_len: 1 };
    // SAFETY: one byte is written, to `byte`; the other side the kernel checks.
    match unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) } {
        1 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// `mprotect`, of a mapping of a device's.
pub(crate) fn mprotect(at: UserAddr, len: usize, prot: i32) -> Result<(), Refusal> {
    // SAFETY: nobody has a reference to what is mapped there.
    match unsafe { libc::mprotect(at.get() as *mut libc::c_void, len, prot) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// `mmap`, as it is.
pub(crate) fn mmap(fd: RawFd, len: usize, prot: i32, flags: i32, offset: i64) -> Result<UserAddr, Refusal> {
    // SAFETY: without MAP_FIXED no memory of the program's is replaced.
    mapped(unsafe { libc::mmap(ptr::null_mut(), len, prot, flags, fd, offset) })
}

/// `mmap` at an address, if nothing is mapped there.
pub(crate) fn mmap_near(
    hint: UserAddr,
    fd: RawFd,
    len: usize,
    prot: i32,
    flags: i32,
    offset: usize,
) -> Result<UserAddr, Refusal> {
    // SAFETY: without MAP_FIXED no memory of the program's is replaced.
    mapped(unsafe { libc::mmap(hint.get() as *mut libc::c_void, len, prot, flags, fd, offset as i64) })
}

/// What `mmap` and `mremap` give.
fn mapped(at: *mut libc::c_void) -> Result<UserAddr, Refusal> {
    if at == libc::MAP_FAILED { Err(last_errno()) } else { Ok(UserAddr::new(at as usize)) }
}

/// Protection, flags and offset, as `mmap` takes them.
fn arguments(map: Map) -> Result<(i32, i32, i64), Refusal> {
    let prot = libc::PROT_READ | if map.writable { libc::PROT_WRITE } else { 0 };
    let flags = if map.shared { libc::MAP_SHARED } else { libc::MAP_PRIVATE };
    // An offset that the system call cannot say is one that it would refuse.
    let too_far = || Refusal::Errno(Errno::EOVERFLOW);
    let offset = map.pgoff.index().checked_mul(PAGE).ok_or_else(too_far)?;
    Ok((prot, flags, i64::try_from(offset).map_err(|_| too_far())?))
}

/// `munmap`.
pub(crate) fn munmap(at: UserAddr, len: usize) -> Result<(), Refusal> {
    // SAFETY: the range is a mapping of a device's, to which nobody has a reference.
    match unsafe { libc::munmap(at.get() as *mut libc::c_void, len) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

impl User for Process {
    fn page_size(&self) -> usize {
        PAGE
    }

    fn map(&self, map: Map) -> Result<UserAddr, Refusal> {
        let (prot, flags, offset) = arguments(map)?;
        mmap(self.file.as_raw_fd(), map.pages * PAGE, prot, flags, offset)
    }

    fn unmap(&self, at: UserAddr, pages: usize) -> Result<(), Refusal> {
        match &self.child {
            None => munmap(at, pages * PAGE),
            Some(child) => child.unmap(at, pages * PAGE),
        }
    }

    fn read(&self, at: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        match &self.child {
            None => trap::read(at, into),
            Some(child) => child.read(at, into),
        }
    }

    fn write(&self, at: UserAddr, from: &[u8]) -> Result<(), Trap> {
        match &self.child {
            None => trap::write(at, from),
            Some(child) => child.write(at, from),
        }
    }

    fn device_read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.file.read_exact_at(into, offset as u64).map_err(|error| errno(&error))
    }

    fn device_write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.file.write_all_at(from, offset as u64).map_err(|error| errno(&error))
    }

    fn expand(&self, at: UserAddr, pages: usize, to: usize) -> Option<Result<(), Refusal>> {
        // SAFETY: the range is a mapping of a device's, to which nobody has a reference.
        let moved = unsafe { libc::mremap(at.get() as *mut libc::c_void, pages * PAGE, to * PAGE, 0) };
        Some(if moved == libc::MAP_FAILED { Err(last_errno()) } else { Ok(()) })
    }

    fn fork(&self) -> Option<Result<Self, Refusal>> {
        let child = Child::fork(self.file.as_raw_fd())
            .and_then(|child| Ok(Self { file: self.file.try_clone()?, remapped: self.remapped, child: Some(child) }));
        match child.map_err(|error| refusal(&error)) {
            // 6.12 looks at the first page to find out how the range is cached (`track_pfn_copy` in
            // arch/x86/mm/pat/memtype.c), and finds the user's copy of it there, if the mapping is private and was
            // written.
            Err(Refusal::Errno(Errno::ENOMEM)) if self.remapped => None,
            child => Some(child),
        }
    }

    fn control(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        match self.number(request, argument as usize) {
            Ok(value) => Ok(value),
            Err(Refusal::Errno(errno)) => Err(errno),
            Err(Refusal::Other(_)) => Err(Errno::EIO),
        }
    }

    fn references(&self, page: usize) -> Option<usize> {
        usize::try_from(self.number(0, page).ok()?).ok()
    }

    /// The kernel does not say whether a frame was there already.
    fn tells_present_frames(&self) -> bool {
        false
    }
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().and_then(Errno::from_raw).unwrap_or(Errno::EIO)
}

/// `delete_module`: unloads a module, if nobody uses it.
pub(crate) fn unload(name: &str) -> Result<(), Refusal> {
    let name = CString::new(name).map_err(|error| Refusal::Other(error.to_string()))?;
    // SAFETY: the name is a string.
    match unsafe { libc::syscall(libc::SYS_delete_module, name.as_ptr(), libc::O_NONBLOCK) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// The kernel's log.
pub(crate) fn log() -> Result<String, Refusal> {
    const READ_ALL: i32 = 3;
    let mut bytes = vec![0_u8; 1 << 20];
    // SAFETY: as many bytes may be written.
    let len = unsafe { libc::klogctl(READ_ALL, bytes.as_mut_ptr().cast(), bytes.len() as i32) };
    bytes.truncate(usize::try_from(len).map_err(|_| last_errno())?);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
