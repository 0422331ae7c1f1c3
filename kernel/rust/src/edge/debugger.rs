//! What a debugger reaches through the access hook.

use vmctx::{
    AccessCtx, Accessed, Errno, FaultCtx, FrameSource, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PfnMap, Platform,
    UnlockedCtx, VmFault, VmOperations,
};
use vmctx_conformance::devices::{self, Opened};
use vmctx_drivers::buffer::Buffer;
use vmctx_linux::{Linux, LinuxIomem, LinuxRef};

use super::{
    requests,
    steering::{Count, Kernel, Steered, Steering},
};

const PAGES: usize = 4;

/// Memory, and how often its hook was asked. The hook looks neither at rights nor at bounds.
struct Reached<T> {
    memory: T,
    asked: Count,
}

impl<T: Send + Sync + 'static> Reached<T> {
    fn open(memory: T, kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno>
    where
        File<T>: MmapFile<Platform = Linux>,
    {
        let reached = Linux::share(Self { memory, asked: Count::default() }, kernel.may_sleep())?;
        Ok(Opened::new(File(reached.clone()), Steering(reached)))
    }
}

impl<T: Send + Sync + 'static> Steered for Reached<T> {
    fn control(&self, _: &mut UnlockedCtx<'_, Linux>, request: u32, _: u64) -> Result<u64, Errno> {
        if request == requests::ARRIVED { Ok(self.asked.get()) } else { Err(Errno::ENOTTY) }
    }
}

struct File<T>(LinuxRef<Reached<T>>);

/// Frames, which are mapped by faults.
pub(super) fn frames(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    Reached::open(devices::registers(kernel, PAGES)?, kernel)
}

impl MmapFile for File<LinuxIomem> {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

impl Reached<LinuxIomem> {
    fn access<'a>(&'a self, ctx: AccessCtx<'a, Linux, PfnMap>) -> Result<Accessed<'a>, Errno> {
        self.asked.one_more();
        ctx.copy_iomem(&self.memory, ctx.pgoff())
    }
}

impl VmOperations for Reached<LinuxIomem> {
    type Platform = Linux;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| self.memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

/// Pages, the first of which users can touch. A debugger reaches the others, too.
pub(super) fn pages(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    Reached::open(devices::buffer(kernel, 0, PAGES)?, kernel)
}

type Pages = LinuxRef<Buffer<Linux>>;

impl MmapFile for File<Pages> {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

impl Reached<Pages> {
    fn access<'a>(&'a self, ctx: AccessCtx<'a, Linux, Mixed>) -> Result<Accessed<'a>, Errno> {
        self.asked.one_more();
        ctx.copy_page(self.memory.page(ctx.pgoff()).ok_or(Errno::ENXIO)?)
    }
}

impl VmOperations for Reached<Pages> {
    type Platform = Linux;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        match self.memory.page(ctx.pgoff()) {
            Some(page) if ctx.pgoff().index() == 0 => ctx.insert_page(page),
            _ => ctx.fail(Errno::EACCES),
        }
    }
}
