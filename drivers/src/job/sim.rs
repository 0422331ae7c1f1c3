//! Users of a simulated machine.

use std::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec,
    vec::Vec,
};

use vmctx::{
    Errno, FrameSource, MmapFile, PageCount, PageOffset, Platform, UserAddr,
    platform::Cache,
    sim::{self, AccessError, DeviceMemory, File, Machine, Page, Process, Prot, Signal, Sim, SyscallError},
};

use super::{
    Counters, Device,
    user::{Gauge, Map, PhysicalMemory, Refusal, Site, Trap, User},
};
use crate::{
    buffer::Buffer,
    cfag12864b::Cfag12864b,
    dax::{Dax, Inode},
    demo,
    dev_mem::{Caching, DevMem},
    kcov::Kcov,
    relay::Relay,
    rockchip_gem::RockchipGem,
};

/// A machine for every device that is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimSite;

/// A device's own memory, as the device sees it.
pub enum DeviceSide {
    /// Pages of RAM, one buffer behind the other.
    Pages(Vec<Arc<Buffer<Sim>>>),
    /// Memory of its own.
    Own(DeviceMemory),
}

/// A process of a simulated machine that has a device open.
#[derive(Clone)]
pub struct SimUser {
    machine: Machine,
    file: File,
    device: Arc<SimDevice>,
    process: Process,
}

struct SimDevice {
    side: DeviceSide,
    inode: Option<Arc<Inode<Sim>>>,
    physical: Option<Physical>,
}

struct Physical {
    memory: PhysicalMemory,
    /// The page of RAM that it offers.
    _ram: Page,
    synced: File,
}

impl Site for SimSite {
    type User = SimUser;

    fn open(&self, device: Device) -> Result<SimUser, String> {
        SimUser::open(device).map_err(|errno| format!("cannot be opened: {errno}"))
    }
}

impl SimUser {
    /// A process of `machine` that has `driver` open. The device's own memory is `side`.
    pub fn new(machine: &Machine, driver: impl MmapFile<Platform = Sim>, side: DeviceSide) -> Self {
        Self::with(machine, machine.open(driver), SimDevice { side, inode: None, physical: None })
    }

    fn with(machine: &Machine, file: File, device: SimDevice) -> Self {
        Self { machine: machine.clone(), file, device: Arc::new(device), process: machine.process() }
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// A device of [`demo`], in a machine of its own.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn open(device: Device) -> Result<Self, Errno> {
        let machine = Machine::new();
        let pages = |pages| demo::buffer::<Sim>(&machine, 0, pages);
        Ok(match device {
            Device::Kcov => {
                let area = pages(demo::KCOV_PAGES)?;
                Self::new(&machine, Kcov::new(area.clone()), DeviceSide::Pages(vec![area]))
            }
            Device::Cfag12864b => {
                let buffer = pages(1)?;
                let page = buffer.page(PageOffset::ZERO).ok_or(Errno::EINVAL)?.clone();
                Self::new(&machine, Cfag12864b::new(page), DeviceSide::Pages(vec![buffer]))
            }
            Device::RockchipGem => {
                let object = pages(demo::ROCKCHIP_PAGES)?;
                Self::new(&machine, RockchipGem::new(object.clone()), DeviceSide::Pages(vec![object]))
            }
            Device::Vgem => {
                let (driver, objects) = demo::vgem(&machine)?;
                Self::new(&machine, driver, DeviceSide::Pages(objects.into()))
            }
            Device::Relay => {
                let buffer = pages(demo::RELAY_PAGES)?;
                Self::new(&machine, Relay::new(buffer.clone()), DeviceSide::Pages(vec![buffer]))
            }
            Device::Dax => {
                let blocks = demo::DAX_EXTENTS.iter().flatten().map(|block| block.index());
                let memory = device_memory(&machine, demo::DAX_BLOCKS, blocks)?;
                let inode = demo::dax::<Sim>(memory.clone())?;
                let file = machine.open(Dax::new(inode.clone()));
                let device = SimDevice { side: DeviceSide::Own(memory), inode: Some(inode), physical: None };
                Self::with(&machine, file, device)
            }
            Device::Xive => {
                let bar = device_memory(&machine, demo::XIVE_PAGES, 0..demo::XIVE_PAGES)?;
                Self::new(&machine, demo::xive(bar.clone())?, DeviceSide::Own(bar))
            }
            Device::DevMem => {
                let registers = device_memory(&machine, demo::DEV_MEM_PAGES, 0..demo::DEV_MEM_PAGES)?;
                let ram = demo::page::<Sim>(&machine)?;
                let physical = PhysicalMemory {
                    registers: place(registers.base())?,
                    pages: demo::DEV_MEM_PAGES,
                    ram: Some(place(ram.pfn())?),
                    // The frame numbers of a machine do not begin with 0.
                    hole: Some(PageOffset::ZERO),
                };
                let opened =
                    |caching| machine.open(DevMem::new(machine.physical_memory(), physical.registers, caching));
                let device = SimDevice {
                    side: DeviceSide::Own(registers),
                    inode: None,
                    physical: Some(Physical { memory: physical, _ram: ram, synced: opened(Caching::Never) }),
                };
                Self::with(&machine, opened(Caching::AsMemory), device)
            }
        })
    }
}

fn place(pfn: u64) -> Result<PageOffset, Errno> {
    usize::try_from(pfn).map(PageOffset::new).map_err(|_| Errno::EOVERFLOW)
}

/// Fresh device memory; these pages of it are filled.
fn device_memory(
    machine: &Machine,
    pages: usize,
    filled: impl IntoIterator<Item = usize>,
) -> Result<DeviceMemory, Errno> {
    let memory = machine.device_memory(PageCount::new(pages))?;
    for page in filled {
        let start = page.saturating_mul(Sim::PAGE_SIZE);
        let bytes: Vec<u8> = (start..start.saturating_add(Sim::PAGE_SIZE)).map(demo::pattern).collect();
        memory.write(start, &bytes).map_err(|_| Errno::EINVAL)?;
    }
    Ok(memory)
}

impl DeviceSide {
    fn page(&self, page: usize) -> Option<&Page> {
        let Self::Pages(buffers) = self else { return None };
        let (buffer, offset) = demo::locate::<Sim>(buffers, page.checked_mul(Sim::PAGE_SIZE)?).ok()?;
        buffer.page(PageOffset::new(offset / Sim::PAGE_SIZE))
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
        match &self.device.side {
            DeviceSide::Own(memory) => memory.read(offset, into).map_err(|_| Errno::EINVAL),
            DeviceSide::Pages(buffers) => {
                demo::locate::<Sim>(buffers, offset).and_then(|(buffer, offset)| buffer.read(offset, into))
            }
        }
    }

    fn device_write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        match &self.device.side {
            DeviceSide::Own(memory) => memory.write(offset, from).map_err(|_| Errno::EINVAL),
            DeviceSide::Pages(buffers) => {
                demo::locate::<Sim>(buffers, offset).and_then(|(buffer, offset)| buffer.write(offset, from))
            }
        }
    }

    fn expand(&self, at: UserAddr, pages: usize, to: usize) -> Option<Result<(), Refusal>> {
        Some(self.process.mremap(at, bytes(pages), bytes(to), true).map(drop).map_err(refusal))
    }

    fn fork(&self) -> Option<Result<Self, Refusal>> {
        let child = self.process.fork().map_err(refusal);
        Some(child.map(|process| Self { process, ..self.clone() }))
    }

    fn opened_for_sync(&self) -> Option<Self> {
        let file = self.device.physical.as_ref()?.synced.clone();
        Some(Self { file, ..self.clone() })
    }

    fn gauge(&self, gauge: Gauge) -> Option<usize> {
        match gauge {
            Gauge::References { page } => self.device.side.page(page).map(Page::references),
            Gauge::Blocks => self.device.inode.as_ref().map(|inode| inode.blocks()),
            Gauge::Entries => self.device.inode.as_ref().map(|inode| inode.entries()),
        }
    }

    fn cache(&self, at: UserAddr) -> Option<Cache> {
        self.process.page_prot_at(at).map(|prot| prot.cache())
    }

    fn physical_memory(&self) -> Option<PhysicalMemory> {
        self.device.physical.as_ref().map(|physical| physical.memory)
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
