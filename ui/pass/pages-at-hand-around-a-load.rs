//! G11, G15: `map_pages` maps what is at hand, without sleeping, and the fault hook brings the rest.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, Hooks, MapPagesCtx, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Platform,
    RwLock, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Sim};

/// Pages that are made when they are first touched, and are at hand from then on.
struct Cache<P: Platform> {
    pages: P::RwLock<Vec<Option<P::Page>>>,
    memory: P::Memory,
}

impl<P: Platform> Cache<P> {
    fn new(count: usize, memory: P::Memory, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let pages = (0..count).map(|_| None).collect();
        Ok(Self { pages: P::RwLock::new(pages, may_sleep)?, memory })
    }

    /// Allocates, waits for the lock, and so takes the right to.
    fn page(&self, at: PageOffset, may_sleep: MaySleep<'_>) -> Result<P::Page, Errno> {
        let mut pages = self.pages.write(may_sleep);
        let slot = pages.get_mut(at.index()).ok_or(Errno::ENXIO)?;
        if let Some(page) = slot {
            return Ok(page.clone());
        }
        Ok(slot.insert(P::alloc_page(&self.memory, may_sleep)?).clone())
    }

    fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
        // A lock can be tried. If somebody changes the cache now, the fault hook waits for that.
        let Some(pages) = self.pages.try_read() else { return ctx.finish() };
        for at in ctx.wanted() {
            match at.of(&pages) {
                Some(Some(page)) if !ctx.prefault_page(at, page).is_present() => break,
                _ => {}
            }
        }
        ctx.finish()
    }
}

impl<P: Platform> VmOperations for Cache<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| self.page(at.pgoff(), at.may_sleep()))
    }
}

struct Device<P: Platform>(P::Ref<Cache<P>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared::<Cache<P>>(self.0.clone())?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let cache = Cache::<Sim>::new(4, machine.clone(), machine.may_sleep()).unwrap();
    let file = machine.open(Device(Sim::share(cache, machine.may_sleep()).unwrap()));
    let touch = |pages: usize| {
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(4 * 4096)).unwrap();
        for page in 0..pages {
            assert_eq!(process.thread().read_u8(UserAddr::new(at.get() + page * 4096)), Ok(0));
        }
        process.mapped_pages(at, 4 * 4096)
    };
    // Nothing is at hand: the fault hook is called for each of three pages.
    assert_eq!(touch(3), PageCount::new(3));
    assert_eq!(machine.statistics().handler_calls, 3);
    // Now all three are. The first touch makes the page table, and the second maps what is left.
    assert_eq!(touch(2), PageCount::new(3));
    assert_eq!(machine.statistics().handler_calls, 4);
}
