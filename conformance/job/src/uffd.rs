//! Users of real memory in this process, served by userfaultfd.

use std::sync::atomic::{AtomicBool, Ordering};

use vmctx::{Errno, MaySleep, PageCount, PageOffset};
use vmctx_conformance::{
    Device, ProcessUser, Site,
    devices::{Host, Opened},
};
use vmctx_uffd::{DeviceMemory, Memory, OpenError, Options, Session, Uffd};

/// How much memory a device may take, in pages.
const PAGES: PageCount = PageCount::new(4096);

/// What devices are made of here.
struct Hardware {
    memory: Memory,
    /// A device has asked for memory of its own, which memory of this process stands in for.
    has_frames: AtomicBool,
}

/// A session, with memory of its own, for every device that is opened.
#[derive(Clone, Copy, Debug)]
pub struct UffdSite {
    is_user_mode_only: bool,
    options: Options,
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
        self.has_frames.store(true, Ordering::Relaxed);
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
    type User = ProcessUser<Session>;

    fn open(&self, device: Device) -> Result<Self::User, String> {
        let memory = Memory::new(PAGES).map_err(|error| error.to_string())?;
        let hardware = Hardware { memory, has_frames: AtomicBool::new(false) };
        let Opened { file, side } = device.open(&hardware).map_err(|errno| format!("cannot be opened: {errno}"))?;
        let session = self.options.open(&hardware.memory).map_err(|error| error.to_string())?;
        let file = session.file(file);
        let user = ProcessUser::new(session, file, side);
        if hardware.has_frames.into_inner() {
            user.leave_out("frames", "memory of this process stands in for a device's own");
        }
        Ok(user)
    }
}
