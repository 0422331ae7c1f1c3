//! G5, G8: a first store to a frame is told to `pfn_mkwrite`, which has no page to lock: it allows the store or fails it.
#![forbid(unsafe_code)]
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, Iomem as _, Mapped, MmapCtx, MmapFile, PageCount, PfnMap, PfnMkwriteCtx,
    Platform, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map};

struct Registers<P: Platform> {
    memory: P::Iomem,
    woken: Arc<AtomicU64>,
}

impl<P: Platform> Registers<P> {
    /// The device has to be awake before a store reaches it.
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.woken.fetch_add(1, Ordering::Relaxed);
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for Registers<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| self.memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

struct Device<P: Platform>(P::Iomem, Arc<AtomicU64>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let state = Registers::<P> { memory: self.0.clone(), woken: self.1.clone() };
        Ok(ctx.shared_only()?.writable().establish(state)?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let bar = machine.device_memory(PageCount::new(1)).unwrap();
    let woken = Arc::new(AtomicU64::new(0));
    let file = machine.open(Device(bar.clone(), woken.clone()));
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(4096)).unwrap();
    assert_eq!(user.read_u8(at), Ok(0));
    assert_eq!(woken.load(Ordering::Relaxed), 0);
    user.write(at, b"go").unwrap();
    user.write(at, b"on").unwrap();
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    let mut bytes = [0; 2];
    bar.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"on");
}
