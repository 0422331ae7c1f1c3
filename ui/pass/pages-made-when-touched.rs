//! G24: pages are made when they are touched, once each, and given up again.
#![forbid(unsafe_code)]
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PageCache, PageCount, PageOffset, PageRange, PageRef,
    Platform, SharedObject, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Sim};

struct Image<P: Platform> {
    cache: PageCache<P>,
    filled: AtomicUsize,
}

impl<P: Platform> Image<P> {
    fn fill(&self, at: PageOffset, page: &P::Page) -> Result<(), Errno> {
        self.filled.fetch_add(1, Ordering::Relaxed);
        let byte = u8::try_from(at.index()).map_err(|_| Errno::EIO)?;
        page.write(0, &[byte]).map_err(|_| Errno::EIO)
    }
}

impl<P: Platform> VmOperations for Image<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE
        .object(|image: &Self| Some(image.cache.object()))
        .page_mkwrite(|image, ctx| image.cache.allow_store(ctx));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff();
        self.cache.serve(ctx, |page, _| self.fill(at, page))
    }
}

struct File<P: Platform>(P::Ref<Image<P>>);

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.0.cache.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let may_sleep = machine.may_sleep();
    let object = SharedObject::new(may_sleep).unwrap();
    let cache = PageCache::<Sim>::new(machine.clone(), &object, PageCount::new(300), may_sleep);
    let image = Sim::share(Image { cache: cache.unwrap(), filled: AtomicUsize::new(0) }, may_sleep).unwrap();
    let process = machine.process();
    let at = process.mmap(&machine.open(File(image.clone())), Map::shared(301 * 4096)).unwrap();
    let page = move |index: usize| vmctx::UserAddr::new(at.get() + index * 4096);

    // However many threads touch the page at once, it is made once.
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let user = process.thread();
            thread::spawn(move || user.read_u8(page(7)))
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap() == Ok(7)));
    assert_eq!((image.filled.load(Ordering::Relaxed), image.cache.in_use()), (1, PageCount::new(1)));

    // Behind the end, and an offset whose filling fails.
    assert!(process.thread().read_u8(page(300)).is_err());
    assert!(process.thread().read_u8(page(256)).is_err());
    assert_eq!(image.cache.in_use(), PageCount::new(1));

    // What was stored is in the page that is given up, and the next touch makes another.
    process.thread().write_u8(page(7), 99).unwrap();
    let mut went = Vec::new();
    let all = PageRange::new(PageOffset::ZERO, PageOffset::new(300));
    let count = image.cache.evict(all, may_sleep, |at, page| {
        let mut byte = [0];
        page.read(0, &mut byte).map_err(|_| Errno::EIO)?;
        went.push((at.index(), byte[0]));
        Ok(())
    });
    assert_eq!((count, went), (Ok(PageCount::new(1)), vec![(7, 99)]));
    assert_eq!(machine.statistics().frames_in_use, 0);
    assert_eq!(process.thread().read_u8(page(7)), Ok(7));

    // By a bound, and a system call waits for the same pages.
    for index in 0..10 {
        assert_eq!(process.thread().read_u8(page(index)), Ok(u8::try_from(index).unwrap()));
    }
    let clean = |_, _: &_| unreachable!("nobody has stored to it");
    assert_eq!(image.cache.shrink_to(PageCount::new(3), may_sleep, clean), Ok(PageCount::new(7)));
    assert_eq!(image.cache.in_use(), PageCount::new(3));
    let read = |at| machine.unlocked(|ctx| image.cache.get_or_insert(at, ctx, |page, _| image.fill(at, page)));
    assert!(read(PageOffset::new(9)).unwrap().is_ok());
    assert_eq!(read(PageOffset::new(300)).unwrap().err(), Some(Errno::ENXIO));
    assert_eq!(machine.statistics().frames_in_use, image.cache.in_use().get());
}
