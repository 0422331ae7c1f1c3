//! The platform, made of the machine and its page tables by `vmctx-hosted`; and what runs on a machine.

use vmctx::{Errno, MmapFile, PageCount, UnlockedCtx};
use vmctx_hosted::{OpenMode, Paged, SyscallError, established, vma::Hosted};

use crate::{machine::Machine, memory::PAGE_SHIFT, pagetable::PageTables};

/// The platform, as a driver names it. There is no value of it: what is made is a [`Machine`].
pub enum Sim {}

/// A page of RAM with a reference held: the platform's [`Page`](vmctx::Platform::Page). From [`Machine::alloc_page`].
/// Its frame number is also its place in [`Machine::physical_memory`].
pub type Page = vmctx_hosted::Page<Machine>;
/// Frames by number, of a device or of the whole machine: the platform's [`Iomem`](vmctx::Platform::Iomem). From
/// [`Machine::device_memory`], or from [`Machine::physical_memory`], which is everything that a machine has. Its frames
/// stay for as long as the machine does.
pub type DeviceMemory = vmctx_hosted::DeviceMemory<Sim, Machine>;
/// An open file of a driver's. From [`Machine::open`].
pub type File = vmctx_hosted::File<Sim>;
/// A process: one address space. From [`Machine::process`].
pub type Process = vmctx_hosted::Process<Sim>;
/// A user thread of a process. From [`Process::thread`].
pub type Thread = vmctx_hosted::Thread<Sim>;
/// A mapping that is being made: the platform's [`Vma`](vmctx::Platform::Vma).
pub type NewVma = vmctx_hosted::NewVma<Sim>;
/// A fault that is being served: the platform's [`Fault`](vmctx::Platform::Fault).
pub type Fault = vmctx_hosted::Fault<Sim>;
/// A mapping to come back to: the platform's [`Handle`](vmctx::Platform::Handle).
pub type Handle = established::Handle<Sim>;
/// Who is in a system call: the platform's [`Caller`](vmctx::Platform::Caller).
pub type Caller = established::Caller<Sim>;
/// A mapping whose mmap lock is held for read: the platform's [`EstablishedVma`](vmctx::Platform::EstablishedVma).
pub type EstablishedVma = established::EstablishedVma<Sim>;

impl Hosted for Sim {
    type File = File;
    type Table = PageTables;

    fn mappings(file: &File) -> &vmctx_hosted::Object {
        file.mappings()
    }
}

impl Paged for Sim {}

vmctx_hosted::platform! {
    // SAFETY: `PhysicalMemory` counts the references of each frame, and gives one out again only when there is none; an
    // entry of `PageTables` stays as it was set.
    unsafe impl Platform for Sim {
        const PAGE_SHIFT: u32 = PAGE_SHIFT;
    }
}

impl Machine {
    /// Runs what happens to a device outside any process, its removal for example: as
    /// [`Process::ioctl`], without an address space.
    ///
    /// # Errors
    /// [`SyscallError::InsideHook`]; what the closure gives is passed on.
    pub fn unlocked<R>(&self, run: impl FnOnce(&mut UnlockedCtx<'_, Sim>) -> R) -> Result<R, SyscallError> {
        self.follow_this_thread();
        vmctx_hosted::unlocked(run)
    }

    /// Plugs in a device with this much memory of its own: fresh frames of zeros, without a `struct page`. The first is
    /// aligned to their number, if that is a power of two.
    ///
    /// # Errors
    /// ENOMEM when there are no frame numbers left: a machine has eight million for devices.
    pub fn device_memory(&self, count: PageCount) -> Result<DeviceMemory, Errno> {
        let base = self.memory().new_device(count.get())?;
        // SAFETY: the frames are the device's until the machine is gone, which a page table that maps them keeps.
        #[expect(unsafe_code, reason = "the promise about the frames cannot be checked")]
        Ok(unsafe { DeviceMemory::new(self.clone(), base, count) })
    }

    /// All frame numbers from 0 on, RAM, device memory and holes, as `/dev/mem` offers them. The place of a page in
    /// it is [`Page::pfn`]. What leads nowhere cannot be mapped.
    #[must_use]
    pub fn physical_memory(&self) -> DeviceMemory {
        let all = self.memory().all_frames();
        let count = PageCount::new(usize::try_from(all.end - all.start).unwrap_or(usize::MAX));
        // SAFETY: as in `device_memory` for a device's frames. Whoever maps RAM by number through this sees what it
        // becomes, as with `/dev/mem`; every access to bytes is checked.
        #[expect(unsafe_code, reason = "the promise about the frames cannot be checked")]
        unsafe {
            DeviceMemory::new(self.clone(), all.start, count)
        }
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
        Process::new(PageTables::new(self.clone()))
    }
}
