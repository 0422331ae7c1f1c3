//! The user's side of a device: what a scenario needs from a platform.

use core::fmt;
use std::{string::String, vec::Vec};

use vmctx::{Errno, PageOffset, UserAddr, platform::Cache};

use crate::devices::Device;

pub use vmctx_hosted::{InUse, Refusal, Trap};

/// A platform with drivers on it. It is shared with the thread of a scenario.
pub trait Site: Send + Sync + 'static {
    /// Its users.
    type User: User;

    /// Opens a fresh device, as [`devices`](crate::devices) describes it, in a process of its own.
    ///
    /// # Errors
    /// What is wrong, for people.
    fn open(&self, device: Device) -> Result<Self::User, String>;
}

/// A part of a scenario that a platform has no means for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// What it is, in a word.
    pub what: &'static str,
    /// Why, in a sentence.
    pub why: &'static str,
}

/// A mapping to be made.
#[derive(Clone, Copy, Debug)]
pub struct Map {
    /// Its length, in pages.
    pub pages: usize,
    /// Where it begins in the device.
    pub pgoff: PageOffset,
    /// `MAP_SHARED`, else `MAP_PRIVATE`.
    pub shared: bool,
    /// `PROT_WRITE` beside `PROT_READ`.
    pub writable: bool,
    /// There and nowhere else, and only if nothing is there yet (`MAP_FIXED_NOREPLACE`).
    pub at: Option<UserAddr>,
}

impl Map {
    /// Shared, to read and write, from the device's start on.
    #[must_use]
    pub const fn shared(pages: usize) -> Self {
        Self { pages, pgoff: PageOffset::ZERO, shared: true, writable: true, at: None }
    }

    /// The same, private.
    #[must_use]
    pub const fn private(pages: usize) -> Self {
        Self { shared: false, ..Self::shared(pages) }
    }

    /// The same, from `pgoff` on.
    #[must_use]
    pub const fn at(self, pgoff: PageOffset) -> Self {
        Self { pgoff, ..self }
    }

    /// The same, only to read.
    #[must_use]
    pub const fn read_only(self) -> Self {
        Self { writable: false, ..self }
    }
}

impl fmt::Display for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pages, pgoff, .. } = self;
        let sharing = if self.shared { "shared" } else { "private" };
        let access = if self.writable { "" } else { ", read-only" };
        write!(f, "{pages} pages at {pgoff}, {sharing}{access}")
    }
}

/// What happened inside since the device was opened, in all processes that have it mapped. Scenarios look at
/// differences, so that a platform may count from any moment before on.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Entries for one page that were made for the driver: for each page or frame that it has inserted, at mmap, in a
    /// hook, beside the page of a fault, or by a request; and for each page that a fault hook has handed back, or its
    /// private copy. What does not count: a larger entry, an insertion that found something in place, what a child gets
    /// by fork, and a private copy made later, of a page that was mapped.
    pub inserted: u64,
    /// Insertions, and pages that were handed back, for which nothing was to be done because an entry was in place.
    pub already_present: u64,
    /// Calls of `fault` hooks, those included that ask for the access to be repeated. Calls of `huge_fault`,
    /// `map_pages`, `page_mkwrite` and `pfn_mkwrite` are not among them.
    pub faults: u64,
    /// What those calls answered: the names of the answers, as the table is to show them, and how often each was given.
    pub answers: Vec<(&'static str, u64)>,
}

/// A process that has a device open. All its threads share it. If its scenario hangs it is never dropped.
///
/// On a real system its operations are system calls and plain loads and stores, with a handler for the signals.
/// What a platform cannot do or does not know is `None`; the checks that need it are left out.
pub trait User: Sized + Send + Sync + 'static {
    /// Bytes in a page.
    fn page_size(&self) -> usize;

    /// `mmap`.
    ///
    /// # Errors
    /// As the call has it.
    fn map(&self, map: Map) -> Result<UserAddr, Refusal>;

    /// `munmap`.
    ///
    /// # Errors
    /// As the call has it.
    fn unmap(&self, at: UserAddr, pages: usize) -> Result<(), Refusal>;

    /// Loads.
    ///
    /// # Errors
    /// The signal.
    fn read(&self, at: UserAddr, into: &mut [u8]) -> Result<(), Trap>;

    /// Stores.
    ///
    /// # Errors
    /// The signal.
    fn write(&self, at: UserAddr, from: &[u8]) -> Result<(), Trap>;

    /// Reads the device's own memory, `offset` bytes from its start.
    ///
    /// # Errors
    /// As the [device](crate::devices::Side::read) has it: EINVAL outside it; EAGAIN while a hook or a request is at
    /// it, and it is asked again.
    fn device_read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno>;

    /// Writes the device's own memory, `offset` bytes from its start.
    ///
    /// # Errors
    /// As [`device_read`](Self::device_read).
    fn device_write(&self, offset: usize, from: &[u8]) -> Result<(), Errno>;

    /// What there is now of the platform's: after a scenario as much as before. While threads of the platform's are at
    /// the end of a hook there may be more, and it is asked again.
    fn in_use(&self) -> InUse;

    /// `mremap` in place, to a longer mapping.
    fn expand(&self, at: UserAddr, pages: usize, to: usize) -> Option<Result<(), Refusal>> {
        let _ = (at, pages, to);
        None
    }

    /// `mprotect`: to read and write, or only to read.
    fn protect(&self, at: UserAddr, pages: usize, writable: bool) -> Option<Result<(), Refusal>> {
        let _ = (at, pages, writable);
        None
    }

    /// `mremap` with `MREMAP_FIXED`, to where nothing is mapped.
    fn move_to(&self, at: UserAddr, pages: usize, to: UserAddr) -> Option<Result<(), Refusal>> {
        let _ = (at, pages, to);
        None
    }

    /// A debugger's load: ptrace, or `/proc/pid/mem`. EIO where it may not, or cannot; what lies before was loaded.
    fn peek(&self, at: UserAddr, into: &mut [u8]) -> Option<Result<(), Refusal>> {
        let _ = (at, into);
        None
    }

    /// A debugger's store: ptrace, or `/proc/pid/mem`. EIO where it may not.
    fn poke(&self, at: UserAddr, from: &[u8]) -> Option<Result<(), Refusal>> {
        let _ = (at, from);
        None
    }

    /// `fork`: the child has the same mappings. It exits when dropped.
    fn fork(&self) -> Option<Result<Self, Refusal>> {
        None
    }

    /// An ioctl: a request of the [device](crate::devices)'s, with its argument.
    ///
    /// # Errors
    /// What the device says; ENOTTY for what it does not know.
    fn control(&self, request: u32, argument: u64) -> Result<u64, Errno>;

    /// How many references a page of the device's memory has.
    fn references(&self, page: usize) -> Option<usize> {
        let _ = page;
        None
    }

    /// Whether the platform tells a driver that a *frame* was in place already when it inserted one.
    fn tells_present_frames(&self) -> bool {
        true
    }

    /// Whether the platform counts a page that is inserted by its number
    /// ([`vmf_insert_mixed`](vmctx::Platform::vmf_insert_mixed)). Linux does not where its page table entries have a bit
    /// for it, as on x86.
    fn counts_ram_by_number(&self) -> bool {
        true
    }

    /// How the page that is mapped here is cached.
    fn cache(&self, at: UserAddr) -> Option<Cache> {
        let _ = at;
        None
    }

    /// Whether a large entry maps what is here.
    fn is_huge(&self, at: UserAddr) -> Option<bool> {
        let _ = at;
        None
    }

    /// What went wrong inside, beside what users have seen, since this was last asked.
    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }

    /// What the scenario has come to since the device was opened, and what was left out of it.
    fn left_out(&self) -> Vec<LeftOut> {
        Vec::new()
    }

    /// What happened inside since the device was opened.
    fn counters(&self) -> Option<Counters> {
        None
    }
}
