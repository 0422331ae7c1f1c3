//! G15: `map_pages` waits for a spin lock, and who allocates does so before taking it.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, Hooks, MapPagesCtx, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, PageCount, Platform, SpinLock,
    UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Sim};

/// Pages that are made when they are first touched, and are at hand from then on.
struct Cache<P: Platform> {
    pages: P::SpinLock<Vec<Option<P::Page>>>,
    memory: P::Memory,
}

impl<P: Platform> Cache<P> {
    fn new(count: usize, memory: P::Memory, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        Ok(Self { pages: P::SpinLock::new(vec![None; count], may_sleep)?, memory })
    }

    fn map_pages<'f>(&'f self, mut ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
        let pages = self.pages.lock();
        for at in ctx.wanted() {
            if let Some(Some(page)) = at.of(&pages) {
                ctx.prefault_page(at, page);
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
        ctx.insert_page_with(|at| {
            let fresh = P::alloc_page(&self.memory, at.may_sleep())?;
            // Looked at again: somebody else may have been faster, and then theirs is the page.
            let mut pages = self.pages.lock();
            let slot = pages.get_mut(at.pgoff().index()).ok_or(Errno::ENXIO)?;
            Ok(slot.get_or_insert(fresh).clone())
        })
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
    assert_eq!(touch(3), PageCount::new(3));
    // The first touch makes the page table, and the second maps what is left.
    assert_eq!(touch(2), PageCount::new(3));
    assert_eq!(machine.statistics().frames_in_use, 3, "what a slower thread had allocated is free again");
    assert!(machine.reports().is_empty(), "{:?}", machine.reports());
}
