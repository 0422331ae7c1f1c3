//! The user's side of drivers' mappings, on whatever platform: a test that is written with it runs on each.

use vmctx::{Errno, Platform, UnlockedCtx, UserAddr, platform::Cache};

use crate::{
    access,
    answers::Counts,
    error::{AccessError, Signal, SyscallError},
    established::Caller,
    file::File,
    machine::Machine,
    map::Map,
    mmap::NewVma,
    paged::Paged,
    paging::PageTable,
    process::Process,
    prot::Prot,
    report::{Report, Reports},
    serving::Fault,
    vma::Hosted,
};

/// What an access ends with that did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trap {
    /// The mapping is there, and its driver could not serve the access. The address is the signal's.
    #[error("SIGBUS at {0}")]
    Sigbus(UserAddr),
    /// No mapping there, or one that does not allow the access. The address is the signal's.
    #[error("SIGSEGV at {0}")]
    Sigsegv(UserAddr),
    /// Anything else: what, for people.
    #[error("{0}")]
    Other(String),
}

/// What a system call fails with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An errno.
    #[error("{0}")]
    Errno(#[from] Errno),
    /// Anything else: what, for people.
    #[error("{0}")]
    Other(String),
}

/// A platform has no means for something: why, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Missing(pub &'static str);

/// What there is now, for whoever looks whether something was left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InUse {
    /// Pages that somebody has a reference to, in the whole machine: devices, drivers, page table entries, private
    /// copies. A kernel that does not know how many these are says how many references drivers have.
    pub pages: usize,
    /// Mappings of drivers' files, in this process.
    pub mappings: usize,
}

const NO_LARGE_ENTRIES: Missing =
    Missing("there are no large entries, so huge_fault is not called, and pages come one by one");

/// A process, a session: whatever has an address space into which files of drivers are mapped. A test that is written
/// with it runs on every platform that has one.
///
/// What a platform may have no means for has a default that says so.
pub trait UserSide: Sized + Send + Sync + 'static {
    /// The platform of the drivers.
    type Platform: Platform;
    /// An open file of a driver's.
    type File: Send + Sync;

    /// `mmap`; gives back where the mapping is.
    ///
    /// # Errors
    /// As the call has it.
    fn mmap(&self, file: &Self::File, map: Map) -> Result<UserAddr, Refusal>;

    /// `munmap`
    ///
    /// # Errors
    /// As the call has it.
    fn munmap(&self, address: UserAddr, bytes: usize) -> Result<(), Refusal>;

    /// `mprotect`
    ///
    /// # Errors
    /// As the call has it.
    fn mprotect(&self, address: UserAddr, bytes: usize, prot: Prot) -> Result<(), Refusal>;

    /// Loads bytes.
    ///
    /// # Errors
    /// The signal. Bytes of the pages before the one that failed were loaded.
    fn read(&self, address: UserAddr, into: &mut [u8]) -> Result<(), Trap>;

    /// Stores bytes.
    ///
    /// # Errors
    /// The signal. Bytes of the pages before the one that failed were stored.
    fn write(&self, address: UserAddr, from: &[u8]) -> Result<(), Trap>;

    /// What there is now. Where hooks run in threads of the platform's, one that is at its end may still have something.
    fn in_use(&self) -> InUse;

    /// Runs an ioctl: with the proof that no hook is running and no mmap lock is held.
    ///
    /// # Errors
    /// Where there cannot be one; what the closure gives is passed on.
    fn ioctl<R>(&self, run: impl FnOnce(&mut UnlockedCtx<'_, Self::Platform>) -> R) -> Result<R, Refusal>;

    /// `mremap` with `MREMAP_MAYMOVE`; gives back where the mapping is then.
    ///
    /// # Errors
    /// [`Missing`] if there is no such call; inside, as the call has it.
    fn mremap(
        &self,
        address: UserAddr,
        old_bytes: usize,
        new_bytes: usize,
    ) -> Result<Result<UserAddr, Refusal>, Missing> {
        let _ = (address, old_bytes, new_bytes);
        Err(Missing("there is no such call"))
    }

    /// `mremap` with `MREMAP_FIXED`: moves a mapping to where nothing is.
    ///
    /// # Errors
    /// [`Missing`] if there is no such call; inside, as the call has it.
    fn move_to(&self, address: UserAddr, bytes: usize, to: UserAddr) -> Result<Result<(), Refusal>, Missing> {
        let _ = (address, bytes, to);
        Err(Missing("there is no such call"))
    }

    /// Loads bytes as a debugger does, through ptrace or `/proc/pid/mem`: by pages, or by the driver's
    /// [`access`](vmctx::Hooks::access) hook where there are none.
    ///
    /// # Errors
    /// [`Missing`] if there is no debugger; inside, EIO where it may not load, or cannot. What lies before was loaded.
    fn peek(&self, address: UserAddr, into: &mut [u8]) -> Result<Result<(), Refusal>, Missing> {
        let _ = (address, into);
        Err(Missing("there is no debugger"))
    }

    /// Stores bytes as a debugger does, through ptrace or `/proc/pid/mem`: with the rights that the mapping has, and no
    /// fault of the user's.
    ///
    /// # Errors
    /// [`Missing`] if there is no debugger; inside, EIO where it may not store, or cannot.
    fn poke(&self, address: UserAddr, from: &[u8]) -> Result<Result<(), Refusal>, Missing> {
        let _ = (address, from);
        Err(Missing("there is no debugger"))
    }

    /// `fork`: the child has the same mappings. It exits when dropped.
    ///
    /// # Errors
    /// [`Missing`] if there are no children; inside, as the call has it.
    fn fork(&self) -> Result<Result<Self, Refusal>, Missing> {
        Err(Missing("there are no children"))
    }

    /// How the page that is mapped at an address is cached; `None` if nothing is mapped there.
    ///
    /// # Errors
    /// [`Missing`] if nobody knows.
    fn cache_at(&self, address: UserAddr) -> Result<Option<Cache>, Missing> {
        let _ = address;
        Err(Missing("nobody knows how memory is cached"))
    }

    /// Whether a large entry maps an address.
    ///
    /// # Errors
    /// [`Missing`] if there are no large entries.
    fn is_huge_at(&self, address: UserAddr) -> Result<bool, Missing> {
        let _ = address;
        Err(NO_LARGE_ENTRIES)
    }

    /// How many references a page has, if that is counted.
    fn references(page: &<Self::Platform as Platform>::Page) -> Option<usize> {
        let _ = page;
        None
    }

    /// What has happened so far, if that is counted.
    fn counts(&self) -> Option<Counts> {
        None
    }

    /// What has gone wrong inside, beside what users have seen, since this was last asked: for people, a line each.
    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }
}

impl From<SyscallError> for Refusal {
    fn from(error: SyscallError) -> Self {
        error.errno().map_or_else(|| Self::Other(error.to_string()), Self::Errno)
    }
}

impl From<AccessError> for Trap {
    fn from(error: AccessError) -> Self {
        match error.signal() {
            Some(Signal::Sigbus(at)) => Self::Sigbus(at),
            Some(Signal::Sigsegv(at)) => Self::Sigsegv(at),
            Some(Signal::Killed(_)) | None => Self::Other(error.to_string()),
        }
    }
}

impl<P> UserSide for Process<P>
where
    P: Paged + Hosted<File = File<P>> + Platform<Vma = NewVma<P>, Fault = Fault<P>, Caller = Caller<P>>,
{
    type Platform = P;
    type File = File<P>;

    #[track_caller]
    fn mmap(&self, file: &File<P>, map: Map) -> Result<UserAddr, Refusal> {
        Ok(self.mmap(file, map)?)
    }

    #[track_caller]
    fn munmap(&self, address: UserAddr, bytes: usize) -> Result<(), Refusal> {
        Ok(self.munmap(address, bytes)?)
    }

    #[track_caller]
    fn mprotect(&self, address: UserAddr, bytes: usize, prot: Prot) -> Result<(), Refusal> {
        Ok(self.mprotect(address, bytes, prot)?)
    }

    #[track_caller]
    fn read(&self, address: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        Ok(access::read(self.mm(), address, into)?)
    }

    #[track_caller]
    fn write(&self, address: UserAddr, from: &[u8]) -> Result<(), Trap> {
        Ok(access::write(self.mm(), address, from)?)
    }

    /// What has exited has no mappings.
    fn in_use(&self) -> InUse {
        InUse { pages: self.machine().pages_in_use(), mappings: self.mapping_count().unwrap_or(0) }
    }

    fn ioctl<R>(&self, run: impl FnOnce(&mut UnlockedCtx<'_, P>) -> R) -> Result<R, Refusal> {
        Ok(self.ioctl(run)?)
    }

    #[track_caller]
    fn mremap(
        &self,
        address: UserAddr,
        old_bytes: usize,
        new_bytes: usize,
    ) -> Result<Result<UserAddr, Refusal>, Missing> {
        Ok(self.mremap(address, old_bytes, new_bytes, true).map_err(Refusal::from))
    }

    #[track_caller]
    fn move_to(&self, address: UserAddr, bytes: usize, to: UserAddr) -> Result<Result<(), Refusal>, Missing> {
        Ok(self.mremap_fixed(address, bytes, bytes, to).map(drop).map_err(Refusal::from))
    }

    #[track_caller]
    fn peek(&self, address: UserAddr, into: &mut [u8]) -> Result<Result<(), Refusal>, Missing> {
        Ok(self.peek(address, into).map_err(Refusal::from))
    }

    #[track_caller]
    fn poke(&self, address: UserAddr, from: &[u8]) -> Result<Result<(), Refusal>, Missing> {
        Ok(self.poke(address, from).map_err(Refusal::from))
    }

    #[track_caller]
    fn fork(&self) -> Result<Result<Self, Refusal>, Missing> {
        Ok(self.fork().map_err(Refusal::from))
    }

    fn cache_at(&self, address: UserAddr) -> Result<Option<Cache>, Missing> {
        Ok(self.page_prot_at(address).map(|prot| prot.cache()))
    }

    fn is_huge_at(&self, address: UserAddr) -> Result<bool, Missing> {
        if P::Table::HAS_HUGE { Ok(self.is_huge_at(address)) } else { Err(NO_LARGE_ENTRIES) }
    }

    fn references(page: &P::Page) -> Option<usize> {
        Some(page.references())
    }

    fn counts(&self) -> Option<Counts> {
        self.machine().counts()
    }

    /// The machine's [reports](Machine::reports), which are taken with it: of all processes on it.
    fn complaints(&self) -> Vec<String> {
        let reports = self.machine().reports().map(Reports::take);
        reports.unwrap_or_default().iter().map(Report::to_string).collect()
    }
}
