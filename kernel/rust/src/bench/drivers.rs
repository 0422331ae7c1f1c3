//! The drivers that `kernel/bench` measures. Their twins in C are in `kernel/module/bench.c`.
#![forbid(unsafe_code)]

use alloc::vec::Vec;

use vmctx::{
    Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Prefault, VmFault, VmOperations,
};
use vmctx_linux::{Linux, LinuxPage, LinuxRef};

/// How many pages a fault of [`Around`] or [`Window`] brings.
const AROUND: usize = 16;

/// Pages that are mapped.
pub(crate) struct Object {
    pages: Vec<LinuxPage>,
}

impl Object {
    pub(crate) fn new(pages: Vec<LinuxPage>) -> Self {
        Self { pages }
    }

    fn page(&self, at: PageOffset) -> Option<&LinuxPage> {
        self.pages.get(at.index())
    }

    /// What a mapping shows, looked at once and not for each page, as in C.
    fn range(&self, first: PageOffset, count: PageCount) -> Result<&[LinuxPage], Errno> {
        let end = first.index().checked_add(count.get()).ok_or(Errno::ENXIO)?;
        self.pages.get(first.index()..end).ok_or(Errno::ENXIO)
    }
}

/// A page where it is touched.
pub(crate) struct Fault(pub(crate) Object);

impl VmOperations for Fault {
    type Platform = Linux;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        match self.0.page(ctx.pgoff()) {
            Some(page) => ctx.insert_page(page),
            None => ctx.fail(Errno::EFAULT),
        }
    }
}

/// A page where it is touched, and its neighbours.
pub(crate) struct Around(pub(crate) Object);

impl VmOperations for Around {
    type Platform = Linux;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        let Some(touched) = self.0.page(ctx.pgoff()) else { return ctx.fail(Errno::EFAULT) };
        let first = ctx.pgoff().index() & !(AROUND - 1);
        for (at, page) in self.0.pages.iter().enumerate().skip(first).take(AROUND) {
            if ctx.prefault_page(PageOffset::new(at), page) == Prefault::OutOfMemory {
                break;
            }
        }
        ctx.insert_page(touched)
    }
}

/// A page where it is touched, and its neighbours all at once.
pub(crate) struct Window(pub(crate) Object);

impl VmOperations for Window {
    type Platform = Linux;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Linux, Mixed>) -> VmFault<'f> {
        let Some(touched) = self.0.page(ctx.pgoff()) else { return ctx.fail(Errno::EFAULT) };
        let first = ctx.pgoff().index() & !(AROUND - 1);
        let window = self.0.pages.get(first..).unwrap_or_default();
        ctx.prefault_pages(PageOffset::new(first), window.get(..AROUND).unwrap_or(window));
        ctx.insert_page(touched)
    }
}

/// A device whose mappings are filled by faults.
pub(crate) struct OnFault<V>(pub(crate) LinuxRef<V>);

impl<V: VmOperations<Platform = Linux, Kind = Mixed>> MmapFile for OnFault<V> {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

/// Page after page when it is mapped.
pub(crate) struct ByPage(pub(crate) Object);

impl MmapFile for ByPage {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        let mut ctx = ctx.writable().without_faults::<Mixed>()?;
        for page in self.0.range(ctx.pgoff(), ctx.page_count())? {
            ctx = ctx.insert_page(page)?;
        }
        ctx.finish()
    }
}

/// All at once.
pub(crate) struct ByPages(pub(crate) Object);

impl MmapFile for ByPages {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.writable().without_faults::<Mixed>()?;
        let pages = self.0.range(ctx.pgoff(), ctx.page_count())?;
        ctx.insert_pages(pages)?.finish()
    }
}

/// All, by the index that the mapping begins with.
pub(crate) struct ByMap(pub(crate) Object);

impl MmapFile for ByMap {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        ctx.writable().without_faults::<Mixed>()?.fill_at_pgoff(&self.0.pages)
    }
}
