//! A load that brings its neighbours, and a fault that does so if it is told to.

use core::sync::atomic::{AtomicBool, Ordering};

use vmctx::{
    Errno, FaultCtx, Hooks, MapPagesCtx, Mapped, Mixed, MmapCtx, MmapFile, PageOffset, Platform, UnlockedCtx, VmFault,
    VmOperations,
};
use vmctx_conformance::devices::{self, Opened};
use vmctx_drivers::buffer::Buffer;
use vmctx_linux::{Linux, LinuxRef};

use super::{
    requests,
    steering::{Count, Kernel, Steered, Steering},
};

/// How long it is: two page tables and a little more, so that a mapping spans a third.
const PAGES: usize = 2 * (Linux::PAGE_SIZE / 8) + 16;
/// How many pages a fault brings of those before its own, and of those from its own on.
const EITHER_SIDE: usize = 8;

struct Object {
    buffer: LinuxRef<Buffer<Linux>>,
    faults: Count,
    around: Count,
    /// Whether a fault brings its neighbours.
    window: AtomicBool,
    already_present: Count,
}

pub(super) fn open(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let object = Object {
        buffer: devices::buffer(kernel, 0, PAGES)?,
        faults: Count::default(),
        around: Count::default(),
        window: AtomicBool::new(false),
        already_present: Count::default(),
    };
    let object = Linux::share(object, kernel.may_sleep())?;
    Ok(Opened::new(File(object.clone()), Steering(object)))
}

impl Steered for Object {
    fn control(&self, _: &mut UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno> {
        match request {
            requests::SWITCH => {
                self.window.store(argument != 0, Ordering::SeqCst);
                Ok(0)
            }
            requests::ALREADY_PRESENT => Ok(self.already_present.get()),
            requests::FAULTS => Ok(self.faults.get()),
            requests::AROUND => Ok(self.around.get()),
            _ => Err(Errno::ENOTTY),
        }
    }
}

struct File(LinuxRef<Object>);

impl MmapFile for File {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Shown(self.0.clone()))?.fill_later())
    }
}

struct Shown(LinuxRef<Object>);

impl VmOperations for Shown {
    type Platform = Linux;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        self.0.faults.one_more();
        if self.0.window.load(Ordering::SeqCst) {
            let first = ctx.pgoff().index().saturating_sub(EITHER_SIDE);
            let pages = self.0.buffer.pages().get(first..).unwrap_or_default();
            let pages = pages.get(..2 * EITHER_SIDE).unwrap_or(pages);
            let inserted = ctx.prefault_pages(PageOffset::new(first), pages);
            for _ in inserted.get()..pages.len().saturating_sub(1) {
                self.0.already_present.one_more();
            }
        }
        match self.0.buffer.page(ctx.pgoff()) {
            Some(page) => ctx.insert_page(page),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

impl Shown {
    fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        self.0.around.one_more();
        let wanted = ctx.wanted();
        for at in wanted {
            if let Some(page) = self.0.buffer.page(at) {
                ctx.prefault_page(at, page);
            }
        }
        // Pages that nobody asked for, which would need another page table: they must not be mapped.
        for at in [PageOffset::ZERO, PageOffset::new(PAGES - 1), PageOffset::new(PAGES)] {
            if let Some(page) = self.0.buffer.page(at).filter(|_| !wanted.contains(at)) {
                ctx.prefault_page(at, page);
            }
        }
        ctx.finish()
    }
}
