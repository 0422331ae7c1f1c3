//! G8, G19: a store to a missing frame is told in the fault that brings it, and the entry is writable after that one.
#![forbid(unsafe_code)]
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, Mapped, MmapCtx, MmapFile, PageCount, PfnMap, PfnMkwriteCtx, Platform,
    VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map};

struct Buffer<P: Platform> {
    memory: P::Iomem,
    dirty: Arc<AtomicU64>,
}

impl<P: Platform> Buffer<P> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.dirty.fetch_or(1 << ctx.pgoff().index(), Ordering::Relaxed);
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for Buffer<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    // The same for loads and stores.
    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| self.memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

struct Device<P: Platform>(P::Iomem, Arc<AtomicU64>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let state = Buffer::<P> { memory: self.0.clone(), dirty: self.1.clone() };
        Ok(ctx.shared_only()?.writable().establish(state)?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(2)).unwrap();
    let dirty = Arc::new(AtomicU64::new(0));
    let file = machine.open(Device(memory, dirty.clone()));
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(2 * 4096)).unwrap();
    user.write_u8(at, 1).unwrap();
    assert_eq!((machine.statistics().faults, dirty.load(Ordering::Relaxed)), (1, 1));
    assert!(process.page_prot_at(at).unwrap().is_writable());
}
