//! First stores that are told to a hook.

use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, Kind, Mapped, Mixed, MmapCtx, MmapFile, PageMkwriteCtx, PageOffset, PfnMap,
    PfnMkwriteCtx, Platform, SharedObject, UnlockedCtx, VmFault, VmOperations,
};
use vmctx_conformance::devices::{self, Opened};
use vmctx_drivers::buffer::Buffer;
use vmctx_linux::{Linux, LinuxIomem, LinuxRef};

use super::{
    requests,
    steering::{Count, Kernel, Last, Steered, Steering, range},
};

/// How long each object is. The second half of a mapping of pages or frames is filled when it is made.
const PAGES: usize = 8;
const EAGER: usize = PAGES / 2;
/// The page to which no store is allowed.
const REFUSED: PageOffset = PageOffset::new(3);

/// An object, its mappings of the kind `M`, and what their hooks were told.
struct Object<M, T> {
    memory: T,
    mappings: SharedObject<Linux>,
    last: Last<M>,
    faults: Count,
    stores: Count,
}

impl<M: Kind, T: Send + Sync + 'static> Object<M, T> {
    fn new(memory: T, kernel: &Kernel<'_>) -> Result<LinuxRef<Self>, Errno> {
        let object = Self {
            memory,
            mappings: SharedObject::new(kernel.may_sleep())?,
            last: Last::new(kernel.may_sleep())?,
            faults: Count::default(),
            stores: Count::default(),
        };
        Linux::share(object, kernel.may_sleep())
    }

    fn allows(&self, at: PageOffset) -> bool {
        self.stores.one_more();
        at != REFUSED
    }
}

impl<M: Kind, T: Send + Sync + 'static> Steered for Object<M, T> {
    fn control(&self, ctx: &mut UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            requests::FAULTS => return Ok(self.faults.get()),
            requests::STORES => return Ok(self.stores.get()),
            requests::UNMAP => {
                let (first, count) = range(argument)?;
                self.mappings.unmap_once(first, count, ctx.may_sleep());
            }
            requests::PROTECT => {
                let (first, count) = range(argument)?;
                self.last.get(ctx.may_sleep())?.lock(ctx)?.write_protect(first, count);
            }
            _ => return Err(Errno::ENOTTY),
        }
        Ok(0)
    }
}

/// The open file.
struct File<M, T>(LinuxRef<Object<M, T>>);

/// The state of a mapping.
struct Shown<M, T>(LinuxRef<Object<M, T>>);

/// Pages, told to `page_mkwrite`.
pub(super) fn pages(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let object = Object::<Mixed, _>::new(devices::buffer(kernel, 0, PAGES)?, kernel)?;
    Ok(Opened::new(File(object.clone()), Steering(object)))
}

type Pages = LinuxRef<Buffer<Linux>>;

impl MmapFile for File<Mixed, Pages> {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        let mut ctx = ctx.writable().establish(Shown(self.0.clone()))?;
        self.0.last.is(&ctx)?;
        if ctx.pgoff().index() == EAGER {
            while let Some(page) = self.0.memory.page(ctx.pgoff()).filter(|_| !ctx.is_full()) {
                ctx = ctx.insert_page(page)?;
            }
        }
        Ok(ctx.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<Linux>> {
        Some(&self.0.mappings)
    }
}

impl VmOperations for Shown<Mixed, Pages> {
    type Platform = Linux;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        self.0.faults.one_more();
        match self.0.memory.page(ctx.pgoff()) {
            // Pages are inserted and handed back by turns, so that stores to both are told.
            Some(page) if ctx.pgoff().index() % 2 == 0 => ctx.insert_page(page),
            Some(page) => ctx.deliver(page.clone()),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

impl Shown<Mixed, Pages> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        let own = self.0.memory.page(ctx.pgoff()).map(Linux::page_pfn);
        if !self.0.allows(ctx.pgoff()) || own != Some(Linux::page_pfn(&ctx.page())) {
            return ctx.fail(Errno::EROFS);
        }
        let page = ctx.lock_page();
        ctx.allow_locked(page)
    }
}

/// Frames, told to `pfn_mkwrite`.
pub(super) fn frames(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let object = Object::<PfnMap, _>::new(devices::registers(kernel, PAGES)?, kernel)?;
    Ok(Opened::new(File(object.clone()), Steering(object)))
}

impl MmapFile for File<PfnMap, LinuxIomem> {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        let mut ctx = ctx.shared_only()?.writable().establish(Shown(self.0.clone()))?;
        self.0.last.is(&ctx)?;
        if ctx.pgoff().index() == EAGER {
            let frames = self.0.memory.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::ENXIO)?;
            ctx = ctx.remap(frames)?;
        }
        Ok(ctx.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<Linux>> {
        Some(&self.0.mappings)
    }
}

impl VmOperations for Shown<PfnMap, LinuxIomem> {
    type Platform = Linux;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, PfnMap>) -> VmFault<'f> {
        self.0.faults.one_more();
        let prot = ctx.page_prot();
        match self.0.memory.frame(ctx.pgoff()) {
            // Also where a frame has a protection of its own the first store is told.
            Some(frame) if ctx.pgoff().index() % 2 == 0 => ctx.insert_pfn_prot(frame, prot),
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

impl Shown<PfnMap, LinuxIomem> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, Linux, PfnMap>) -> VmFault<'f> {
        if self.0.allows(ctx.pgoff()) { ctx.allow() } else { ctx.fail(Errno::EROFS) }
    }
}

/// Frames of a mixed mapping, made writable where they are inserted or by `pfn_mkwrite`.
pub(super) fn mixed(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let object = Object::<Mixed, _>::new(devices::registers(kernel, PAGES)?, kernel)?;
    Ok(Opened::new(File(object.clone()), Steering(object)))
}

impl MmapFile for File<Mixed, LinuxIomem> {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Shown(self.0.clone()))?.fill_later())
    }

    fn object(&self) -> Option<&SharedObject<Linux>> {
        Some(&self.0.mappings)
    }
}

impl VmOperations for Shown<Mixed, LinuxIomem> {
    type Platform = Linux;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::mixed_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        self.0.faults.one_more();
        match self.0.memory.frame(ctx.pgoff()) {
            // By turns with and without the store being told.
            Some(frame) if ctx.is_write() && ctx.pgoff().index() % 2 == 0 => ctx.insert_mixed_mkwrite(frame),
            Some(frame) => ctx.insert_mixed(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

impl Shown<Mixed, LinuxIomem> {
    fn mixed_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        match self.0.memory.frame(ctx.pgoff()) {
            Some(frame) if self.0.allows(ctx.pgoff()) => ctx.insert_mixed_mkwrite(frame),
            _ => ctx.fail(Errno::EROFS),
        }
    }
}
