//! VMAs that mmap, fork, cuts and moves make, and a driver that refuses them.

use core::sync::atomic::{AtomicBool, Ordering};

use vmctx::{
    Errno, FrameSource, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PageOffset, Platform, Remapped, UnlockedCtx,
    VmOperations,
};
use vmctx_conformance::devices::{self, Opened};
use vmctx_drivers::buffer::Buffer;
use vmctx_linux::{Linux, LinuxIomem, LinuxRef};

use super::{
    requests,
    steering::{Count, Kernel, Steered, Steering},
};

const PAGES: usize = 8;

struct Object<T> {
    memory: T,
    opens: AtomicBool,
    opened: Count,
    closed: Count,
    dropped: Count,
}

impl<T: Send + Sync + 'static> Object<T> {
    fn new(memory: T, kernel: &Kernel<'_>) -> Result<LinuxRef<Self>, Errno> {
        let [opened, closed, dropped] = Default::default();
        Linux::share(Self { memory, opens: AtomicBool::new(true), opened, closed, dropped }, kernel.may_sleep())
    }
}

impl<T: Send + Sync + 'static> Steered for Object<T> {
    fn control(&self, _: &mut UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            requests::SWITCH => {
                self.opens.store(argument != 0, Ordering::SeqCst);
                Ok(0)
            }
            requests::OPENED => Ok(self.opened.get()),
            requests::CLOSED => Ok(self.closed.get()),
            requests::DROPPED => Ok(self.dropped.get()),
            _ => Err(Errno::ENOTTY),
        }
    }
}

struct File<T: Send + Sync + 'static>(LinuxRef<Object<T>>);

struct Shown<T: Send + Sync + 'static>(LinuxRef<Object<T>>);

impl<T: Send + Sync + 'static> Shown<T> {
    fn open(&self) -> Result<(), Errno> {
        if !self.0.opens.load(Ordering::SeqCst) {
            return Err(Errno::EPERM);
        }
        self.0.opened.one_more();
        Ok(())
    }

    fn close(&self) {
        self.0.closed.one_more();
    }
}

impl<T: Send + Sync + 'static> Drop for Shown<T> {
    fn drop(&mut self) {
        self.0.dropped.one_more();
    }
}

/// Pages, mapped when the mapping is made.
pub(super) fn open(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let object = Object::new(devices::buffer(kernel, 0, PAGES)?, kernel)?;
    Ok(Opened::new(File(object.clone()), Steering(object)))
}

impl MmapFile for File<LinuxRef<Buffer<Linux>>> {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        ctx.writable().establish(Shown(self.0.clone()))?.fill_at_pgoff(self.0.memory.pages())
    }
}

impl VmOperations for Shown<LinuxRef<Buffer<Linux>>> {
    type Platform = Linux;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open).close(Self::close);
}

/// Frames, remapped as a whole, of which the PAT code of x86 keeps track.
pub(super) fn open_remapped(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let object = Object::new(devices::registers(kernel, PAGES)?, kernel)?;
    Ok(Opened::new(File(object.clone()), Steering(object)))
}

impl MmapFile for File<LinuxIomem> {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        let memory = self.0.memory.range(PageOffset::ZERO, self.0.memory.count()).ok_or(Errno::ENXIO)?;
        ctx.writable().establish(Shown(self.0.clone()))?.remap_at_pgoff(memory)
    }
}

impl VmOperations for Shown<LinuxIomem> {
    type Platform = Linux;
    type Kind = Remapped;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open).close(Self::close);
}
