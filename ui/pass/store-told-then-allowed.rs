//! G5, G12: a first store is told once and answered once: allowed through the page's lock, or refused with an errno.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageMkwriteCtx, PageOffset, Platform, RwLock,
    UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal, Sim};

/// A file of which only the first pages may be changed, and which notes those that were.
struct Log<P: Platform> {
    pages: Vec<P::Page>,
    writable: PageOffset,
    dirty: P::RwLock<Vec<PageOffset>>,
}

struct Device<P: Platform>(P::Ref<Log<P>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared::<Log<P>>(self.0.clone())?.fill_later())
    }
}

impl<P: Platform> Log<P> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff();
        if at >= self.writable {
            return ctx.fail(Errno::EROFS);
        }
        // Nobody truncates or writes back the page until the core has made it writable.
        let page = ctx.lock_page();
        self.dirty.write(ctx.may_sleep()).push(at);
        ctx.allow_locked(page)
    }
}

impl<P: Platform> VmOperations for Log<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

fn main() {
    let machine = Machine::new();
    let log = Log::<Sim> {
        pages: (0..2).map(|_| machine.alloc_page().unwrap()).collect(),
        writable: PageOffset::new(1),
        dirty: RwLock::new(Vec::new(), machine.may_sleep()).unwrap(),
    };
    let log = Sim::share(log, machine.may_sleep()).unwrap();
    let file = machine.open(Device(log.clone()));
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(2 * 4096)).unwrap();
    let second = UserAddr::new(at.get() + 4096);

    // A load tells nothing; the first store does, and the second is not told.
    assert_eq!(user.read_u8(at), Ok(0));
    assert!(log.dirty.read(machine.may_sleep()).is_empty());
    user.write_u8(at, 1).unwrap();
    user.write_u8(at, 2).unwrap();
    assert_eq!(*log.dirty.read(machine.may_sleep()), [PageOffset::ZERO]);
    assert_eq!(machine.statistics().mkwrite_calls, 1);

    // A refused store is a signal, and the page stays as it was.
    assert_eq!(user.write_u8(second, 1).unwrap_err().signal(), Some(Signal::Sigbus(second)));
    assert_eq!(user.read_u8(second), Ok(0));
    assert_eq!(process.mapped_pages(at, 2 * 4096), PageCount::new(2));
}
