//! G25: a prepare hook describes; the state is made when the mapping is there, and comes with a handle.
#![forbid(unsafe_code)]
use std::sync::{Arc, Mutex};

use vmctx::{
    ByPrepare, Errno, FaultCtx, Handle, MaySleep, Mixed, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile,
    Prepared, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, MmapOrder, Page, Ref, Sim};

/// The file of a log.
struct Log {
    pages: Arc<[Page]>,
    readers: Arc<Mutex<Vec<Handle<Sim, Mixed>>>>,
}

/// One mapping of it, and which part it was asked for.
struct Reader {
    pages: Arc<[Page]>,
    shown: PageRange,
}

impl PrepareFile for Log {
    type Platform = Sim;
    type Ops = Reader;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Sim>) -> Result<Prepared<'m, Sim, Mixed>, Errno> {
        let ctx = ctx.shared_only()?.read_only()?.no_exec()?.dont_copy();
        if ctx.page_count() > self.pages.len() {
            return Err(Errno::EINVAL);
        }
        ctx.by_faults()
    }

    fn mapped(&self, shown: PageRange, may_sleep: MaySleep<'_>) -> Result<Ref<Reader>, Errno> {
        Sim::share(Reader { pages: Arc::clone(&self.pages), shown }, may_sleep)
    }

    fn handle(&self, reader: &Reader, handle: Handle<Sim, Mixed>) {
        assert_eq!(reader.shown.start, PageOffset::ZERO);
        self.readers.lock().unwrap().push(handle);
    }
}

impl VmOperations for Reader {
    type Platform = Sim;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

fn main() {
    for order in [MmapOrder::Prepare, MmapOrder::Compat] {
        let machine = Machine::new();
        machine.set_mmap_order(order);
        let pages: Arc<[Page]> = (0..2).map(|_| machine.alloc_page().unwrap()).collect();
        let readers = Arc::default();
        let file = machine.open(ByPrepare(Log { pages: Arc::clone(&pages), readers: Arc::clone(&readers) }));
        let process = machine.process();
        assert_eq!(process.mmap(&file, Map::private(4096)).unwrap_err().errno(), Some(Errno::EINVAL));
        let read_only = Map::shared(2 * 4096).prot(vmctx_sim::Prot::READ);
        let at = process.mmap(&file, read_only).unwrap();
        let second = UserAddr::new(at.get() + 4096);
        assert_eq!(process.thread().read_u8(second), Ok(0));
        // The mapping is come back to.
        let zapped = process.ioctl(|ctx| {
            let readers = readers.lock().unwrap();
            readers[0].lock(ctx).map(|mapped| mapped.zap(PageOffset::new(1), vmctx::PageCount::new(1)))
        });
        assert_eq!(zapped, Ok(Ok(())));
        assert_eq!((readers.lock().unwrap().len(), pages[1].map_count()), (1, 0));
    }
}
