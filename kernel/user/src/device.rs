//! An open device of the module, and its mappings.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, OpenOptionsExt},
    },
};

use vmctx::{Errno, UserAddr};
use vmctx_conformance::{
    Device, Site,
    user::{InUse, Map, Refusal, Trap, User},
};

use crate::{
    calls::{self, PAGE},
    child::Child,
    trap,
};

/// The kernel that this runs on.
pub(crate) struct Kernel;

/// A process that has a device open: this one, or a child of it.
pub(crate) struct Process {
    pub(crate) file: File,
    /// Whether the device maps whole ranges of frames at once (`remap_pfn_range`).
    remapped: bool,
    child: Option<Child>,
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

    /// A process that has this file open, whatever it is of.
    pub(crate) fn of(file: File) -> Self {
        Self { file, remapped: false, child: None }
    }

    /// `mmap` at an address, where nothing is mapped.
    pub(crate) fn map_at(&self, map: Map, at: UserAddr) -> Result<UserAddr, Refusal> {
        self.map(Map { at: Some(at), ..map })
    }

    /// `mremap` to a place that the kernel likes.
    pub(crate) fn move_to_somewhere(&self, at: UserAddr, pages: usize) -> Result<UserAddr, Refusal> {
        let len = pages * PAGE;
        let anonymous = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let place = calls::mmap(-1, len, libc::PROT_NONE, anonymous, 0)?;
        calls::mremap(at, len, place, len)
    }

    /// The process number, of a child.
    pub(crate) fn pid(&self) -> Option<libc::pid_t> {
        self.child.as_ref().map(Child::pid)
    }

    /// A number of the module's, by its number there.
    pub(crate) fn number(&self, which: u32, page: usize) -> Result<u64, Refusal> {
        match &self.child {
            None => calls::gauge(self.file.as_raw_fd(), which.into(), page),
            Some(child) => child.number(which.into(), page),
        }
    }
}

/// How many references to pages Rust holds: the first of the module's counts, which come behind the devices' requests.
const PAGES: u32 = 20;

/// Protection, flags and offset, as `mmap` takes them.
fn arguments(map: Map) -> Result<(i32, i32, i64), Refusal> {
    let prot = libc::PROT_READ | if map.writable { libc::PROT_WRITE } else { 0 };
    let flags = if map.shared { libc::MAP_SHARED } else { libc::MAP_PRIVATE };
    // An offset that does not fit into the system call's argument is what the call itself refuses with EOVERFLOW.
    let too_far = || Refusal::Errno(Errno::EOVERFLOW);
    let offset = map.pgoff.index().checked_mul(PAGE).ok_or_else(too_far)?;
    Ok((prot, flags, i64::try_from(offset).map_err(|_| too_far())?))
}

impl User for Process {
    fn page_size(&self) -> usize {
        PAGE
    }

    fn map(&self, map: Map) -> Result<UserAddr, Refusal> {
        let (prot, flags, offset) = arguments(map)?;
        let (file, len) = (self.file.as_raw_fd(), map.pages * PAGE);
        match (&self.child, map.at) {
            (None, None) => calls::mmap(file, len, prot, flags, offset),
            (None, Some(at)) => calls::mmap_at(at, file, len, prot, flags, offset),
            (Some(child), Some(at)) => child.map(at, len, prot, flags, offset),
            (Some(_), None) => Err(Refusal::Other("a child is told where".into())),
        }
    }

    fn unmap(&self, at: UserAddr, pages: usize) -> Result<(), Refusal> {
        match &self.child {
            None => calls::munmap(at, pages * PAGE),
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
        self.file.read_exact_at(into, offset as u64).map_err(|error| calls::errno(&error).unwrap_or(Errno::EIO))
    }

    fn device_write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.file.write_all_at(from, offset as u64).map_err(|error| calls::errno(&error).unwrap_or(Errno::EIO))
    }

    /// The pages are references: those that Rust holds (`VMCTX_PAGES` of vmctx.h), of all open files.
    fn in_use(&self) -> InUse {
        let pages = self.number(PAGES, 0).ok().and_then(|pages| usize::try_from(pages).ok());
        InUse { pages: pages.unwrap_or(usize::MAX), mappings: calls::mappings(self.pid(), "/dev/vmctx-") }
    }

    fn expand(&self, at: UserAddr, pages: usize, to: usize) -> Option<Result<(), Refusal>> {
        let (len, new_len) = (pages * PAGE, to * PAGE);
        Some(match &self.child {
            None => calls::resize(at, len, new_len).map(drop),
            Some(child) => child.resize(at, len, new_len),
        })
    }

    fn protect(&self, at: UserAddr, pages: usize, writable: bool) -> Option<Result<(), Refusal>> {
        let len = pages * PAGE;
        Some(match &self.child {
            None => calls::mprotect(at, len, libc::PROT_READ | if writable { libc::PROT_WRITE } else { 0 }),
            Some(child) => child.protect(at, len, writable),
        })
    }

    fn move_to(&self, at: UserAddr, pages: usize, to: UserAddr) -> Option<Result<(), Refusal>> {
        let len = pages * PAGE;
        Some(match &self.child {
            None => calls::mremap(at, len, to, len).map(drop),
            Some(child) => child.move_to(at, len, to),
        })
    }

    fn peek(&self, at: UserAddr, into: &mut [u8]) -> Option<Result<(), Refusal>> {
        Some(calls::peek(self.pid(), at, into))
    }

    fn poke(&self, at: UserAddr, from: &[u8]) -> Option<Result<(), Refusal>> {
        Some(calls::poke(self.pid(), at, from))
    }

    fn fork(&self) -> Option<Result<Self, Refusal>> {
        let child = match &self.child {
            None => Child::fork(self.file.as_raw_fd()).map_err(|error| calls::refusal(&error)),
            Some(child) => child.fork_again(),
        };
        let child = child.and_then(|child| {
            let file = self.file.try_clone().map_err(|error| calls::refusal(&error))?;
            Ok(Self { file, remapped: self.remapped, child: Some(child) })
        });
        match child {
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

    /// On x86 its entry says that there is nothing to count.
    fn counts_ram_by_number(&self) -> bool {
        false
    }

    /// The kernel does not say whether a frame was there already.
    fn tells_present_frames(&self) -> bool {
        false
    }
}
