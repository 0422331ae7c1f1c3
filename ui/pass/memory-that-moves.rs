//! G4, G13, G22: memory that moves is inserted under the lock that also guards moving it, and a fault that waited can ask.
#![forbid(unsafe_code)]
use vmctx::{
    Backing, Errno, FaultCtx, FrameSource, Hooks, Iomem as _, Mapped, MaySleep, MmapCtx, MmapFile, PageCount,
    PageOffset, PageRef as _, PfnMap, Platform, Revocable, SharedObject, Spot, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Sim};

/// Where a buffer is.
enum Place<P: Platform> {
    Card(P::Iomem),
    Ram(Vec<P::Page>),
}

impl<P: Platform> Backing for Place<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        let spot = match self {
            Self::Card(memory) => memory.frame(PageOffset::new(at.get())).map(Spot::Frame),
            Self::Ram(pages) => pages.get(at.get()).map(Spot::Page),
        };
        spot.ok_or(Errno::ENXIO)
    }
}

struct Buffer<P: Platform> {
    memory: Revocable<P, Place<P>>,
}

impl<P: Platform> Buffer<P> {
    /// To system memory, with what is in it.
    fn evict(&self, card: &P::Iomem, pages: Vec<P::Page>, may_sleep: MaySleep<'_>) -> Result<(), Errno> {
        let mut place = self.memory.revoke(may_sleep);
        let mut bytes = [0; 64];
        for (at, page) in pages.iter().enumerate() {
            for offset in (0..P::PAGE_SIZE).step_by(bytes.len()) {
                card.read(at * P::PAGE_SIZE + offset, &mut bytes).map_err(|_| Errno::EIO)?;
                page.write(offset, &bytes).map_err(|_| Errno::EIO)?;
            }
        }
        *place = Place::Ram(pages);
        Ok(())
    }
}

impl<P: Platform> VmOperations for Buffer<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|buffer: &Self| Some(buffer.memory.object()));

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let resident = self.memory.resident(ctx.may_sleep());
        let epoch = resident.epoch(&ctx);
        drop(resident);
        // Without the lock, something that takes long: has it moved meanwhile?
        match epoch.resident(ctx.may_sleep()) {
            Ok(resident) => {
                let _a_favour = resident.prefault(&mut ctx, PageOffset::new(1));
                resident.insert(ctx)
            }
            Err(moved) => ctx.refault(moved),
        }
    }
}

struct Device<P: Platform>(P::Ref<Buffer<P>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.0.memory.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared::<Buffer<P>>(self.0.clone())?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let pages = PageCount::new(2);
    let card = machine.device_memory(pages).unwrap();
    let mappings = SharedObject::new(machine.may_sleep()).unwrap();
    let memory = Revocable::new(Place::Card(card.clone()), &mappings, pages, machine.may_sleep());
    let buffer = Buffer::<Sim> { memory: memory.unwrap() };
    let buffer = Sim::share(buffer, machine.may_sleep()).unwrap();
    let file = machine.open(Device(buffer.clone()));
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(2 * 4096)).unwrap();

    user.write(at, b"moves").unwrap();
    assert_eq!(process.mapped_pages(at, 2 * 4096), pages);
    let ram: Vec<_> = (0..2).map(|_| machine.alloc_page().unwrap()).collect();
    buffer.evict(&card, ram.clone(), machine.may_sleep()).unwrap();
    // Nobody sees where it was.
    assert_eq!(process.mapped_pages(at, 2 * 4096), PageCount::ZERO);
    card.write(0, b"gone!").unwrap();
    let mut bytes = [0; 5];
    user.read(at, &mut bytes).unwrap();
    assert_eq!(&bytes, b"moves");
    user.write(at, b"there").unwrap();
    ram[0].read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"there");
}
