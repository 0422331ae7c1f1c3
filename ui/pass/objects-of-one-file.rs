//! G24: two objects of one file, each with offsets of its own, of which one is taken from its users.
use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, PageRef as _, Platform,
    SharedObject, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Sim};

struct Object<P: Platform> {
    part: SharedObject<P>,
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Object<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|object: &Self| Some(&object.part));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

struct Device<P: Platform> {
    all: SharedObject<P>,
    objects: Vec<P::Ref<Object<P>>>,
}

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.all)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let object = self.objects.iter().find(|object| object.part.contains(ctx.pgoff())).ok_or(Errno::EINVAL)?;
        Ok(ctx.rebase(&object.part)?.writable().establish_shared(object.clone())?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let may_sleep = machine.may_sleep();
    let all = SharedObject::<Sim>::new(may_sleep).unwrap();
    // The first has two pages, the second one, behind them.
    let objects: Vec<_> = [(0, 2), (2, 1)]
        .into_iter()
        .map(|(first, count)| {
            let part = all.part(PageOffset::new(first), PageCount::new(count)).unwrap();
            let pages = (0..count).map(|_| machine.alloc_page().unwrap()).collect();
            Sim::share(Object::<Sim> { part, pages }, may_sleep).unwrap()
        })
        .collect();
    objects[1].pages[0].write(0, &[7]).unwrap();
    let file = machine.open(Device { all, objects: objects.clone() });
    let process = machine.process();
    let second = Map::shared(Sim::PAGE_SIZE).pgoff(PageOffset::new(2));
    let at = process.mmap(&file, second).unwrap();
    assert_eq!(process.thread().read_u8(at), Ok(7));
    objects[0].part.unmap_once(PageOffset::ZERO, PageCount::new(9), may_sleep);
    assert_eq!(process.mapped_pages(at, Sim::PAGE_SIZE), 1);
    objects[1].part.unmap_once(PageOffset::ZERO, PageCount::new(9), may_sleep);
    assert_eq!(process.mapped_pages(at, Sim::PAGE_SIZE), 0);
}
