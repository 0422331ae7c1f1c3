//! G15: a mutex is waited for with the right to sleep, and whoever holds it may sleep; its value need not be `Sync`.
#![forbid(unsafe_code)]
use std::{cell::Cell, thread};

use vmctx::{
    Errno, FaultCtx, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, Mutex, PageCount, Platform, UserAddr, VmFault,
    VmOperations,
};
use vmctx_sim::{Machine, Map, Sim};

struct Pages<P: Platform> {
    made: Vec<Option<P::Page>>,
    touches: Cell<usize>,
}

/// Pages that are made when they are first touched.
struct Lazy<P: Platform> {
    pages: P::Mutex<Pages<P>>,
    memory: P::Memory,
}

impl<P: Platform> Lazy<P> {
    fn new(count: usize, memory: P::Memory, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let pages = Pages { made: vec![None; count], touches: Cell::new(0) };
        Ok(Self { pages: P::Mutex::new(pages, may_sleep)?, memory })
    }
}

impl<P: Platform> VmOperations for Lazy<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| {
            let mut pages = self.pages.lock(at.may_sleep());
            pages.touches.set(pages.touches.get() + 1);
            let slot = pages.made.get_mut(at.pgoff().index()).ok_or(Errno::ENXIO)?;
            if let Some(page) = slot {
                return Ok(page.clone());
            }
            Ok(slot.insert(P::alloc_page(&self.memory, at.may_sleep())?).clone())
        })
    }
}

struct Device<P: Platform>(P::Ref<Lazy<P>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared::<Lazy<P>>(self.0.clone())?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let lazy = Sim::share(Lazy::new(8, machine.clone(), machine.may_sleep()).unwrap(), machine.may_sleep()).unwrap();
    let file = machine.open(Device(lazy.clone()));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(8 * 4096)).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for page in 0..8 {
                    process.thread().read_u8(UserAddr::new(at.get() + page * 4096)).unwrap();
                }
            });
        }
    });
    assert_eq!(process.mapped_pages(at, 8 * 4096), PageCount::new(8));
    assert_eq!(machine.statistics().frames_in_use, 8, "two faults, one page");
    let pages = lazy.pages.try_lock().expect("nobody has it any more");
    assert_eq!(pages.touches.get() as u64, machine.statistics().handler_calls);
    assert!(machine.reports().is_empty(), "{:?}", machine.reports());
}
