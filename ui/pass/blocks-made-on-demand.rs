//! G22, G24: blocks of a pool are taken when they are touched, once each, and go back when they are given up.
#![forbid(unsafe_code)]
use std::thread;

use vmctx::{
    Backing, Errno, FaultCtx, FrameRange, Hooks, HugeFaultCtx, IomemPart, Mapped, MmapCtx, MmapFile, OnDemand,
    PageCount, PageOffset, PageRange, PfnMap, Platform, SharedObject, SpinLock as _, Spot, UserAddr, VmFault,
    VmOperations,
};
use vmctx_sim::{Machine, Map, Sim};

/// Pages of a block: those of a large entry.
const BLOCK: PageCount = PageCount::new(512);

type Pool<P> = <P as Platform>::Ref<<P as Platform>::SpinLock<Vec<IomemPart<P>>>>;

struct Block<P: Platform>(Option<IomemPart<P>>, Pool<P>);

impl<P: Platform> Backing for Block<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        self.0.spot(at)
    }

    fn frames(&self, first: PageCount, count: PageCount) -> Option<FrameRange<'_, P>> {
        self.0.frames(first, count)
    }
}

impl<P: Platform> Drop for Block<P> {
    fn drop(&mut self) {
        self.1.lock().extend(self.0.take());
    }
}

struct File<P: Platform> {
    blocks: OnDemand<P, Block<P>>,
    pool: Pool<P>,
}

impl<P: Platform> File<P> {
    fn take(&self) -> Result<Block<P>, Errno> {
        let block = self.pool.lock().pop().ok_or(Errno::ENXIO)?;
        Ok(Block(Some(block), self.pool.clone()))
    }

    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.blocks.serve_huge(ctx, |_, _| self.take())
    }
}

impl<P: Platform> VmOperations for File<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> =
        Hooks::NONE.huge_fault(Self::huge_fault).object(|file: &Self| Some(file.blocks.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.blocks.serve(ctx, |_, _| self.take())
    }
}

struct Opened<P: Platform>(P::Ref<File<P>>);

impl<P: Platform> MmapFile for Opened<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.0.blocks.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

fn main() {
    let (machine, bytes) = (Machine::new(), BLOCK.get() * 4096);
    let may_sleep = machine.may_sleep();
    // Memory of two blocks for a file of three.
    let memory = machine.device_memory(PageCount::new(2 * BLOCK.get())).unwrap();
    let free: Vec<_> = IomemPart::<Sim>::whole(memory).chunks(BLOCK).collect();
    let pool: Pool<Sim> = Sim::share(vmctx::SpinLock::new(free, may_sleep).unwrap(), may_sleep).unwrap();
    let (object, pages) = (SharedObject::new(may_sleep).unwrap(), PageCount::new(3 * BLOCK.get()));
    let blocks = OnDemand::new(&object, pages, BLOCK, may_sleep).unwrap();
    let file = Sim::share(File { blocks, pool: pool.clone() }, may_sleep).unwrap();
    let (opened, process) = (machine.open(Opened(file.clone())), machine.process());
    let at = process.mmap(&opened, Map::shared(3 * bytes).at(UserAddr::new(0x4000_0000))).unwrap();
    let page = move |page: usize| UserAddr::new(at.get() + page * 4096);

    // However many threads touch a block at once, one is taken, and one large entry shows it.
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let user = process.thread();
            thread::spawn(move || user.write_u8(page(7 * thread), 1))
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap() == Ok(())));
    assert_eq!((file.blocks.in_use(), pool.lock().len()), (1, 1));
    assert!(process.is_huge_at(at));

    // Where no large entry fits, the same block is shown page by page.
    let odd = process.mmap(&opened, Map::shared(2 * bytes).at(UserAddr::new(0x8000_1000))).unwrap();
    assert_eq!(process.thread().read_u8(odd), Ok(1));
    assert!(!process.is_huge_at(odd));
    assert_eq!(process.thread().read_u8(page(BLOCK.get())), Ok(0));

    // The pool is empty, and a block that cannot be taken is not there.
    assert_eq!(pool.lock().len(), 0);
    assert!(process.thread().read_u8(page(2 * BLOCK.get())).is_err());
    assert_eq!(file.blocks.in_use(), 2);

    // The end of the file moves, and the blocks behind it go back.
    let behind = PageRange::new(PageOffset::new(BLOCK.get()), PageOffset::new(usize::MAX));
    assert_eq!((file.blocks.truncate(behind, may_sleep), pool.lock().len()), (1, 1));
    assert_eq!(process.thread().read_u8(page(2 * BLOCK.get())), Ok(0));
    assert_eq!(process.thread().read_u8(odd), Ok(1));

    // Given up by a bound, each is looked at before it goes.
    let mut went = Vec::new();
    let gone = file.blocks.shrink_to(0, may_sleep, |at, _| {
        went.push(at);
        Ok(())
    });
    assert_eq!((gone, went), (Ok(2), vec![PageOffset::ZERO, PageOffset::new(2 * BLOCK.get())]));
    assert_eq!((file.blocks.in_use(), pool.lock().len()), (0, 2));
}
