//! Users of real memory in this process, served by userfaultfd.

use std::sync::{Arc, Mutex, PoisonError};

use vmctx::{Errno, MaySleep, PageCount, PageOffset, Platform, UserAddr, platform::Cache};
use vmctx_uffd::{
    self as uffd, DeviceMemory, File, Memory, OpenError, Options, Page, Prot, Session, SessionError, SyscallError, Uffd,
};

use vmctx_conformance::{
    Counters, Device,
    devices::{Host, Opened, Side},
    user::{LeftOut, Map, Refusal, Site, Trap, User},
};

/// How much memory a device may take, in pages.
const PAGES: PageCount = PageCount::new(4096);

const FORK: LeftOut = LeftOut { what: "fork", why: "a child of this process has no such mappings" };
const MREMAP: LeftOut = LeftOut { what: "mremap", why: "a session has no such call" };
const CACHE: LeftOut = LeftOut { what: "cache", why: "all memory is cached as RAM is, whatever a driver asks for" };
const LARGE: LeftOut = LeftOut {
    what: "large",
    why: "a process cannot make large entries, so huge_fault is not called, and pages come one by one",
};
const FRAMES: LeftOut = LeftOut { what: "frames", why: "memory of this process stands in for a device's own" };
/// What a process has no means for, in the order in which it is told.
const MISSING: [LeftOut; 5] = [FORK, MREMAP, CACHE, LARGE, FRAMES];

/// What of [`MISSING`] a device and its scenario have come to.
#[derive(Default)]
struct Missed(Mutex<Vec<LeftOut>>);

impl Missed {
    fn note(&self, missing: LeftOut) {
        let mut missed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !missed.contains(&missing) {
            missed.push(missing);
        }
    }

    fn all(&self) -> Vec<LeftOut> {
        let missed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        MISSING.into_iter().filter(|missing| missed.contains(missing)).collect()
    }
}

/// What devices are made of here.
struct Hardware {
    memory: Memory,
    missed: Missed,
}

/// A session, with memory of its own, for every device that is opened.
#[derive(Clone, Copy, Debug)]
pub struct UffdSite {
    is_user_mode_only: bool,
    options: Options,
}

/// This process, with a device open.
pub struct UffdUser {
    session: Session,
    file: File,
    side: Arc<dyn Side<Uffd>>,
    missed: Missed,
}

impl Host for Hardware {
    type Platform = Uffd;

    fn memory(&self) -> &Memory {
        &self.memory
    }

    fn may_sleep(&self) -> MaySleep<'_> {
        self.memory.may_sleep()
    }

    fn device_memory(&self, pages: PageCount) -> Result<DeviceMemory, Errno> {
        self.missed.note(FRAMES);
        self.memory.device_memory(pages)
    }

    fn physical_memory(&self, _: &DeviceMemory) -> DeviceMemory {
        self.memory.physical_memory()
    }

    fn hole(&self) -> Option<PageOffset> {
        usize::try_from(self.memory.hole()).ok().map(PageOffset::new)
    }
}

impl UffdSite {
    /// Looks whether faults can be served here.
    ///
    /// # Errors
    /// What is missing, and what to do about it.
    pub fn new() -> Result<Self, OpenError> {
        let session = Session::open(&Memory::new(PageCount::new(1))?)?;
        Ok(Self { is_user_mode_only: session.is_user_mode_only(), options: Options::default() })
    }

    /// The same, with faults that are served by the threads that have them.
    #[must_use]
    pub fn in_thread(self) -> Self {
        Self { is_user_mode_only: true, options: self.options.in_thread() }
    }

    /// Whether this user may serve only the faults of user mode.
    #[must_use]
    pub fn is_user_mode_only(&self) -> bool {
        self.is_user_mode_only
    }
}

impl Site for UffdSite {
    type User = UffdUser;

    fn open(&self, device: Device) -> Result<UffdUser, String> {
        let memory = Memory::new(PAGES).map_err(|error| error.to_string())?;
        let hardware = Hardware { memory, missed: Missed::default() };
        let opened = device.open(&hardware).map_err(|errno| format!("cannot be opened: {errno}"))?;
        UffdUser::new(self.options, hardware, opened).map_err(|error| error.to_string())
    }
}

impl UffdUser {
    fn new(options: Options, hardware: Hardware, device: Opened<Uffd>) -> Result<Self, OpenError> {
        let session = options.open(&hardware.memory)?;
        let file = session.file(device.file);
        Ok(Self { session, file, side: device.side.into(), missed: hardware.missed })
    }

    /// The answer to what cannot be done here.
    fn misses<T>(&self, missing: LeftOut) -> Option<T> {
        self.missed.note(missing);
        None
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }
}

fn refusal(error: SyscallError) -> Refusal {
    error.errno().map_or_else(|| Refusal::Other(error.to_string()), Refusal::Errno)
}

fn trap(trap: uffd::Trap) -> Trap {
    match trap {
        uffd::Trap::Sigbus(at) => Trap::Sigbus(at),
        uffd::Trap::Sigsegv(at) => Trap::Sigsegv(at),
        other => Trap::Other(other.to_string()),
    }
}

fn bytes(pages: usize) -> usize {
    pages.saturating_mul(Uffd::PAGE_SIZE)
}

impl User for UffdUser {
    fn page_size(&self) -> usize {
        Uffd::PAGE_SIZE
    }

    fn map(&self, map: Map) -> Result<UserAddr, Refusal> {
        let wanted =
            if map.shared { uffd::Map::shared(bytes(map.pages)) } else { uffd::Map::private(bytes(map.pages)) };
        let prot = if map.writable { Prot::READ | Prot::WRITE } else { Prot::READ };
        self.session.mmap(&self.file, wanted.pgoff(map.pgoff).prot(prot)).map_err(refusal)
    }

    fn unmap(&self, at: UserAddr, pages: usize) -> Result<(), Refusal> {
        self.session.munmap(at, bytes(pages)).map_err(refusal)
    }

    fn read(&self, at: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        self.session.read(at, into).map_err(trap)
    }

    fn write(&self, at: UserAddr, from: &[u8]) -> Result<(), Trap> {
        self.session.write(at, from).map_err(trap)
    }

    fn device_read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.side.read(offset, into)
    }

    fn device_write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.side.write(offset, from)
    }

    fn control(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        self.session.ioctl(|ctx| self.side.control(ctx, request, argument)).unwrap_or(Err(Errno::EFAULT))
    }

    fn expand(&self, _: UserAddr, _: usize, _: usize) -> Option<Result<(), Refusal>> {
        self.misses(MREMAP)
    }

    fn fork(&self) -> Option<Result<Self, Refusal>> {
        self.misses(FORK)
    }

    fn cache(&self, _: UserAddr) -> Option<Cache> {
        self.misses(CACHE)
    }

    fn is_huge(&self, _: UserAddr) -> Option<bool> {
        self.misses(LARGE)
    }

    fn left_out(&self) -> Vec<LeftOut> {
        self.missed.all()
    }

    fn references(&self, page: usize) -> Option<usize> {
        self.side.page(PageOffset::new(page)).map(Page::references)
    }

    fn counters(&self) -> Option<Counters> {
        let counted = self.session.statistics();
        let answers = counted.answers;
        Some(Counters {
            inserted: counted.inserted,
            already_present: counted.already_present,
            faults: counted.handler_calls,
            answers: vec![
                ("NOPAGE", answers.nopage),
                ("page", answers.page),
                ("LOCKED", answers.locked),
                ("RETRY", answers.retry),
                ("SIGBUS", answers.sigbus),
                ("OOM", answers.oom),
                ("HWPOISON", answers.hwpoison),
            ],
        })
    }

    fn complaints(&self) -> Vec<String> {
        self.session.take_errors().iter().map(SessionError::to_string).collect()
    }
}
