//! G8, G9: a huge fault is answered with one large entry, or left to the fault hook; both in one mapping.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, HugeFaultCtx, Iomem as _, Mapped, MmapCtx, MmapFile, PageCount, PfnMap,
    Platform, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map};

struct Framebuffer<P: Platform>(P::Iomem);

impl<P: Platform> Framebuffer<P> {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_huge_with(|_, entry| entry.of(&self.0))
    }
}

impl<P: Platform> VmOperations for Framebuffer<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

struct Device<P: Platform>(P::Iomem);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish(Framebuffer::<P>(self.0.clone()))?.fill_later())
    }
}

fn main() {
    const LARGE: usize = 512 * 4096;
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(513)).unwrap();
    memory.write(LARGE - 1, b"ab").unwrap();
    let file = machine.open(Device(memory));
    let process = machine.process();
    let user = process.thread();
    let start = UserAddr::new(0x4000_0000);
    let at = process.mmap(&file, Map::shared(LARGE + 4096).at(start)).unwrap();
    assert_eq!(at, start);
    let last = UserAddr::new(at.get() + LARGE - 1);
    let behind = UserAddr::new(at.get() + LARGE);

    // The entry that is all inside the mapping is filled at once; what is behind it goes page by page.
    assert_eq!(user.read_u8(last), Ok(b'a'));
    assert_eq!(user.read_u8(behind), Ok(b'b'));
    assert!(process.is_huge_at(at) && !process.is_huge_at(behind));
    let statistics = machine.statistics();
    assert_eq!((statistics.huge_insertions, statistics.handler_calls), (1, 1));
}
