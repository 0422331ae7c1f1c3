//! Users of a simulated machine.

use std::sync::Arc;

use vmctx::{Errno, MaySleep, PageCount, PageOffset, Platform, UserAddr, platform::Cache};
use vmctx_sim::{
    self as sim, AccessError, DeviceMemory, File, Machine, Page, Process, Prot, Signal, Sim, SyscallError,
};

use vmctx_conformance::{
    Counters, Device,
    devices::{Host, Opened, Side},
    user::{Map, Refusal, Site, Trap, User},
};

/// A machine for every device that is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimSite;

/// A process of a simulated machine that has a device open.
#[derive(Clone)]
pub struct SimUser {
    machine: Machine,
    file: File,
    side: Arc<dyn Side<Sim>>,
    process: Process,
}

/// A machine, as what a device is set up with.
#[derive(Clone, Debug)]
pub struct SimHost(pub Machine);

impl Host for SimHost {
    type Platform = Sim;

    fn memory(&self) -> &Machine {
        &self.0
    }

    fn may_sleep(&self) -> MaySleep<'_> {
        self.0.may_sleep()
    }

    fn device_memory(&self, pages: PageCount) -> Result<DeviceMemory, Errno> {
        self.0.device_memory(pages)
    }

    fn physical_memory(&self, _: &DeviceMemory) -> DeviceMemory {
        self.0.physical_memory()
    }

    /// The frame numbers of a machine do not begin with 0.
    fn hole(&self) -> Option<PageOffset> {
        Some(PageOffset::ZERO)
    }
}

impl Site for SimSite {
    type User = SimUser;

    fn open(&self, device: Device) -> Result<SimUser, String> {
        SimUser::open(device).map_err(|errno| format!("cannot be opened: {errno}"))
    }
}

impl SimUser {
    /// A process of `machine` that has a device open.
    #[must_use]
    pub fn new(machine: &Machine, device: Opened<Sim>) -> Self {
        let file = machine.open(device.file);
        Self { machine: machine.clone(), file, side: device.side.into(), process: machine.process() }
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// A device of [`devices`](vmctx_conformance::devices), in a machine of its own.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn open(device: Device) -> Result<Self, Errno> {
        let machine = Machine::new();
        let opened = device.open(&SimHost(machine.clone()))?;
        Ok(Self::new(&machine, opened))
    }
}

fn refusal(error: SyscallError) -> Refusal {
    error.errno().map_or_else(|| Refusal::Other(error.to_string()), Refusal::Errno)
}

fn trap(error: AccessError) -> Trap {
    match error.signal() {
        Some(Signal::Sigbus(at)) => Trap::Sigbus(at),
        Some(Signal::Sigsegv(at)) => Trap::Sigsegv(at),
        Some(Signal::Killed(_)) | None => Trap::Other(error.to_string()),
    }
}

fn bytes(pages: usize) -> usize {
    pages.saturating_mul(Sim::PAGE_SIZE)
}

impl User for SimUser {
    fn page_size(&self) -> usize {
        Sim::PAGE_SIZE
    }

    fn map(&self, map: Map) -> Result<UserAddr, Refusal> {
        let wanted = if map.shared { sim::Map::shared(bytes(map.pages)) } else { sim::Map::private(bytes(map.pages)) };
        let prot = if map.writable { Prot::READ | Prot::WRITE } else { Prot::READ };
        self.process.mmap(&self.file, wanted.pgoff(map.pgoff).prot(prot)).map_err(refusal)
    }

    fn unmap(&self, at: UserAddr, pages: usize) -> Result<(), Refusal> {
        self.process.munmap(at, bytes(pages)).map_err(refusal)
    }

    fn read(&self, at: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        self.process.thread().read(at, into).map_err(trap)
    }

    fn write(&self, at: UserAddr, from: &[u8]) -> Result<(), Trap> {
        self.process.thread().write(at, from).map_err(trap)
    }

    fn device_read(&self, offset: usize, into: &mut [u8]) -> Result<(), Errno> {
        self.side.read(offset, into)
    }

    fn device_write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.side.write(offset, from)
    }

    fn control(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        self.process.ioctl(|ctx| self.side.control(ctx, request, argument)).unwrap_or(Err(Errno::EFAULT))
    }

    fn expand(&self, at: UserAddr, pages: usize, to: usize) -> Option<Result<(), Refusal>> {
        Some(self.process.mremap(at, bytes(pages), bytes(to), true).map(drop).map_err(refusal))
    }

    fn fork(&self) -> Option<Result<Self, Refusal>> {
        let child = self.process.fork().map_err(refusal);
        Some(child.map(|process| Self { process, ..self.clone() }))
    }

    fn references(&self, page: usize) -> Option<usize> {
        self.side.page(PageOffset::new(page)).map(Page::references)
    }

    fn cache(&self, at: UserAddr) -> Option<Cache> {
        self.process.page_prot_at(at).map(|prot| prot.cache())
    }

    fn is_huge(&self, at: UserAddr) -> Option<bool> {
        Some(self.process.is_huge_at(at))
    }

    fn counters(&self) -> Option<Counters> {
        let counted = self.machine.statistics();
        let answers = counted.answers;
        Some(Counters {
            inserted: counted.insertions + counted.delivered,
            already_present: counted.already_present,
            faults: counted.handler_calls,
            answers: vec![
                ("NOPAGE", answers.nopage),
                ("page", answers.page),
                ("LOCKED", answers.locked),
                ("RETRY", answers.retry),
                ("SIGBUS", answers.sigbus),
                ("SIGSEGV", answers.sigsegv),
                ("OOM", answers.oom),
                ("HWPOISON", answers.hwpoison),
            ],
        })
    }
}
