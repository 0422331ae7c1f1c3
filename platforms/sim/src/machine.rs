//! The machine: memory, limits, what is counted and what goes wrong.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};

use vmctx::{Errno, MaySleep, MmapFile, PageCount, UnlockedCtx, entry};

use super::{
    Caller, DeviceMemory, File, Injection, OpenMode, Page, Process, Sim, Statistics, SyscallError,
    hook::{self, Hook},
    inject::{Injections, Site},
    memory::PhysicalMemory,
    stats::Counters,
};

/// What a machine has, and how much it puts up with.
///
/// ```
/// use vmctx::PageCount;
/// use vmctx_sim::{Limits, Machine};
///
/// let small = Machine::with_limits(Limits { frames: PageCount::new(2), ..Limits::default() });
/// let _pages = (small.alloc_page().unwrap(), small.alloc_page().unwrap());
/// assert!(small.alloc_page().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Frames of RAM: 65536 (256 MiB) by default, 4194304 (16 GiB) at most. They cost memory only once touched.
    pub frames: PageCount,
    /// Page tables of all processes together; one maps 512 pages (2 MiB), aligned. 4096 by default. Only the lowest
    /// level is counted.
    pub page_tables: usize,
    /// Mappings that one process can have (`vm.max_map_count`): 65530 by default.
    pub mappings: usize,
    /// How many times one access may be repeated with nothing changed, before it is
    /// [reported](super::AccessError::RefaultsForever): 1000 by default.
    pub refaults: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frames: PageCount::new(0x1_0000), page_tables: 4096, mappings: 65530, refaults: 1000 }
    }
}

/// A computer: physical memory, and whatever runs on it. The platform's [`Memory`](vmctx::Platform::Memory).
///
/// Clones are the same machine. Machines have nothing in common, so tests with one each do not see each other: pages
/// and frames of another machine are refused.
#[derive(Clone)]
pub struct Machine {
    parts: Arc<Parts>,
}

struct Parts {
    limits: Limits,
    memory: PhysicalMemory,
    page_tables: AtomicUsize,
    counters: Counters,
    injections: Injections,
    fault_serial: AtomicU32,
}

impl Machine {
    /// A machine with the default [`Limits`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// A machine with limits of your own.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            parts: Arc::new(Parts {
                limits,
                memory: PhysicalMemory::new(limits.frames.get()),
                page_tables: AtomicUsize::new(0),
                counters: Counters::default(),
                injections: Injections::default(),
                fault_serial: AtomicU32::new(0),
            }),
        }
    }

    /// A fresh page of zeros, as a driver allocates one.
    ///
    /// # Errors
    /// ENOMEM when the machine's frames are all in use, or by [injection](Injection::FrameAllocation).
    pub fn alloc_page(&self) -> Result<Page, Errno> {
        let pfn = self.allocate_frame(false)?;
        Ok(Page::adopt(self.clone(), pfn))
    }

    /// The right to sleep, for whoever sets up a device or a test. Not for hooks: their tokens give it, or do not.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        // SAFETY: threads of the host may sleep.
        #[expect(unsafe_code, reason = "nothing sees what this is called from")]
        unsafe {
            entry::may_sleep()
        }
    }

    /// Runs what happens to a device outside any process, its removal for example: as
    /// [`Process::ioctl`], without an address space.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`]; what the closure gives is passed on.
    pub fn unlocked<R>(&self, run: impl FnOnce(&mut UnlockedCtx<'_, Sim>) -> R) -> Result<R, SyscallError> {
        if let Some(hook) = hook::running() {
            return Err(SyscallError::InsideHook { hook });
        }
        // SAFETY: no hook is running, as was just seen, and mmap locks are held by hooks and system calls only.
        #[expect(unsafe_code, reason = "nothing is held: see above")]
        Ok(hook::enter(Hook::Ioctl, || unsafe { entry::unlocked(Caller::new(None), run) }))
    }

    /// Plugs in a device with this much memory of its own: fresh frames of zeros, without a `struct page`. The first is
    /// aligned to their number, if that is a power of two.
    ///
    /// # Errors
    /// ENOMEM when there are no frame numbers left: a machine has eight million for devices.
    pub fn device_memory(&self, count: PageCount) -> Result<DeviceMemory, Errno> {
        DeviceMemory::new(self.clone(), count)
    }

    /// All frame numbers from 0 on, RAM, device memory and holes, as `/dev/mem` offers them. The place of a page in
    /// it is [`Page::pfn`]. What leads nowhere cannot be mapped.
    #[must_use]
    pub fn physical_memory(&self) -> DeviceMemory {
        DeviceMemory::everything(self.clone())
    }

    /// Opens a device for reading and writing.
    pub fn open(&self, driver: impl MmapFile<Platform = Sim>) -> File {
        self.open_with(driver, OpenMode::ReadWrite)
    }

    /// Opens a device. What a mapping may do depends on the mode.
    pub fn open_with(&self, driver: impl MmapFile<Platform = Sim>, mode: OpenMode) -> File {
        File::new(driver, mode)
    }

    /// A process with an empty address space.
    #[must_use]
    pub fn process(&self) -> Process {
        Process::new(self.clone())
    }

    /// Orders an error. It happens once.
    pub fn inject(&self, injection: Injection) {
        self.parts.injections.order(injection);
    }

    /// Cancels the errors that were ordered and have not happened.
    pub fn clear_injections(&self) {
        self.parts.injections.clear();
    }

    /// What has happened so far, and what is in use.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        Statistics {
            frames_in_use: self.parts.memory.frames_in_use(),
            references: self.parts.memory.references_held(),
            page_tables_in_use: self.parts.page_tables.load(Ordering::Relaxed),
            ..self.parts.counters.snapshot()
        }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.parts.limits
    }

    pub(super) fn memory(&self) -> &PhysicalMemory {
        &self.parts.memory
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.parts.counters
    }

    pub(super) fn injections(&self) -> &Injections {
        &self.parts.injections
    }

    pub(super) fn allocate_frame(&self, anonymous: bool) -> Result<u64, Errno> {
        self.parts.injections.strike(Site::FrameAllocation)?;
        self.parts.memory.allocate(anonymous)
    }

    /// One more page table.
    pub(super) fn charge_page_table(&self) -> Result<(), Errno> {
        self.parts.injections.strike(Site::PageTableAllocation)?;
        let limit = self.parts.limits.page_tables;
        let more = |used: usize| (used < limit).then_some(used + 1);
        match self.parts.page_tables.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(()),
            Err(_) => Err(Errno::ENOMEM),
        }
    }

    pub(super) fn uncharge_page_table(&self) {
        self.parts.page_tables.fetch_sub(1, Ordering::Relaxed);
    }

    /// A number for the next fault.
    pub(super) fn next_fault(&self) -> u32 {
        self.parts.fault_serial.fetch_add(1, Ordering::Relaxed)
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("limits", self.limits()).finish_non_exhaustive()
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}
