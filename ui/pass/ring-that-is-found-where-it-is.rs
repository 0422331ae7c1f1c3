//! G20, G22: a mapping that has moved, and not grown, is found at its new address, which is the number of its ring; and
//! the ring's pages move in memory, one at a time, without a store that is lost (fs/aio.c).
#![forbid(unsafe_code)]
use std::thread;

use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, OnePage, PageCount, PageOffset, PageRef as _,
    Platform, Revocable, SharedObject, SpinLock, Table, UnlockedCtx, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Sim};

/// `struct kioctx`
struct Ring<P: Platform> {
    /// What users have mapped.
    shown: Revocable<P, Table<Option<OnePage<P>>>>,
    /// The same pages, for who adds an event when a request ends, and must not sleep.
    pages: P::SpinLock<Vec<P::Page>>,
}

impl<P: Platform> Ring<P> {
    /// `aio_setup_ring`
    fn new(pages: Vec<P::Page>, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let (object, each) = (SharedObject::new(may_sleep)?, PageCount::new(1));
        let shown = Revocable::in_pieces(&object, PageCount::new(pages.len()), each, may_sleep)?;
        for (piece, page) in pages.iter().enumerate() {
            shown.revoke_piece(piece, may_sleep, |slot| {
                *slot = Some(OnePage(page.clone()));
                Ok(())
            })?;
        }
        Ok(Self { shown, pages: P::SpinLock::new(pages, may_sleep)? })
    }

    /// `aio_complete`
    fn complete(&self, events: u32) -> Result<(), Errno> {
        let pages = self.pages.lock();
        let page = pages.first().ok_or(Errno::EINVAL)?;
        page.write(4, &events.to_ne_bytes()).map_err(|_| Errno::EFAULT)
    }

    /// `aio_migrate_folio`
    fn migrate(&self, piece: usize, to: P::Page, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        self.shown.revoke_piece(piece, may_sleep, |slot| {
            let mut pages = self.pages.lock();
            let page = pages.get_mut(piece).ok_or(Errno::EINVAL)?;
            let mut bytes = [0; 64];
            for at in (0..P::PAGE_SIZE).step_by(bytes.len()) {
                page.read(at, &mut bytes).map_err(|_| Errno::EFAULT)?;
                to.write(at, &bytes).map_err(|_| Errno::EFAULT)?;
            }
            *page = to.clone();
            *slot = Some(OnePage(to));
            Ok(())
        })
    }
}

/// `lookup_ioctx`
fn lookup<P: Platform>(id: UserAddr, unlocked: &mut UnlockedCtx<'_, P>) -> Result<P::Ref<Ring<P>>, Errno> {
    let established = unlocked.find::<View<P>>(id)?;
    if established.pgoff_of(id) != Some(PageOffset::ZERO) {
        return Err(Errno::EINVAL);
    }
    Ok(established.state::<View<P>>().ok_or(Errno::EINVAL)?.0.clone())
}

struct File<P: Platform>(P::Ref<Ring<P>>);

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.0.shown.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(View(self.0.clone()))?.fill_later())
    }
}

struct View<P: Platform>(P::Ref<Ring<P>>);

impl<P: Platform> VmOperations for View<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|view: &Self| Some(view.0.shown.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.0.shown.resident(ctx.may_sleep()).insert(ctx)
    }
}

fn main() {
    let machine = Machine::new();
    let pages = (0..2).map(|_| machine.alloc_page().unwrap()).collect();
    let ring = Ring::<Sim>::new(pages, machine.may_sleep()).unwrap();
    let ring = Sim::share(ring, machine.may_sleep()).unwrap();
    let (file, process) = (machine.open(File(ring.clone())), machine.process());
    let at = process.mmap(&file, Map::shared(2 * 4096)).unwrap();

    thread::scope(|scope| {
        scope.spawn(|| {
            let user = process.thread();
            for head in 0..500 {
                user.write_u32(at, head).unwrap();
                assert_eq!(user.read_u32(at).unwrap(), head);
            }
        });
        for events in 1..=50 {
            ring.migrate(0, machine.alloc_page().unwrap(), machine.may_sleep()).unwrap();
            ring.complete(events).unwrap();
        }
    });
    assert_eq!(process.thread().read_u32(UserAddr::new(at.get() + 4)).unwrap(), 50);

    let there = UserAddr::new(at.get() + 64 * 4096);
    process.mremap_fixed(at, 2 * 4096, 2 * 4096, there).unwrap();
    let found = |id| process.ioctl(|unlocked| lookup::<Sim>(id, unlocked).map(|_| ())).unwrap();
    assert_eq!(found(there), Ok(()));
    assert_eq!(found(UserAddr::new(there.get() + 4096)), Err(Errno::EINVAL));
    assert_eq!(found(at), Err(Errno::EFAULT));
    assert_eq!(process.mremap(there, 2 * 4096, 3 * 4096, true).unwrap_err().errno(), Some(Errno::EFAULT));
    // A child of fork has the mapping, and so the ring.
    let child = process.fork().unwrap();
    child.ioctl(|unlocked| lookup::<Sim>(there, unlocked).map(|_| ())).unwrap().unwrap();
    assert!(machine.reports().is_empty());
}
