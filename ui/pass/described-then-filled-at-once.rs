//! G25: pages and frames of the file's fill the mapping at once, when it is there, or not at all.
#![forbid(unsafe_code)]
use vmctx::{
    ByPrepare, Errno, FrameSource, Iomem, MaySleep, Mixed, PageCount, PageOffset, PageRange, Platform, PrepareCtx,
    PrepareFile, Prepared, Remapped, UserAddr, WithoutFaults,
};
use vmctx_sim::{DeviceMemory, Injection, Machine, Map, MmapOrder, Page, Ref, Sim};

struct Buffer([Page; 2]);

impl PrepareFile for Buffer {
    type Platform = Sim;
    type Ops = WithoutFaults<Sim, Mixed>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Sim>) -> Result<Prepared<'m, Sim, Mixed>, Errno> {
        ctx.writable().fill_at_pgoff(&self.0)
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<Ref<Self::Ops>, Errno> {
        Sim::share(WithoutFaults::new(), may_sleep)
    }
}

struct Registers(DeviceMemory);

impl PrepareFile for Registers {
    type Platform = Sim;
    type Ops = WithoutFaults<Sim, Remapped>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, Sim>) -> Result<Prepared<'m, Sim, Remapped>, Errno> {
        let all = self.0.range(PageOffset::ZERO, self.0.count()).ok_or(Errno::ENXIO)?;
        ctx.writable().noncached().remap_at_pgoff(all)
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<Ref<Self::Ops>, Errno> {
        Sim::share(WithoutFaults::new(), may_sleep)
    }
}

fn main() {
    for order in [MmapOrder::Prepare, MmapOrder::Compat] {
        let machine = Machine::new();
        machine.set_mmap_order(order);
        let process = machine.process();
        let page = machine.alloc_page().unwrap();
        let file = machine.open(ByPrepare(Buffer([page.clone(), page.clone()])));
        // The second insertion fails when the mapping is there: nothing of it is left.
        machine.inject(Injection::Insertion { after: 1, errno: Errno::ENOMEM });
        assert_eq!(process.mmap(&file, Map::shared(2 * 4096)).unwrap_err().errno(), Some(Errno::ENOMEM));
        assert_eq!((process.mapping_count(), page.map_count()), (Ok(0), 0));
        let at = process.mmap(&file, Map::shared(2 * 4096)).unwrap();
        process.thread().write_u8(at, 7).unwrap();
        assert_eq!(process.thread().read_u8(UserAddr::new(at.get() + 4096)), Ok(7));

        let bar = machine.device_memory(PageCount::new(3)).unwrap();
        bar.write(2 * 4096, &[9]).unwrap();
        let registers = machine.open(ByPrepare(Registers(bar)));
        let at = process.mmap(&registers, Map::shared(4096).pgoff(PageOffset::new(2))).unwrap();
        assert_eq!(process.thread().read_u8(at), Ok(9));
        let behind = Map::shared(2 * 4096).pgoff(PageOffset::new(2));
        assert_eq!(process.mmap(&registers, behind).unwrap_err().errno(), Some(Errno::EINVAL));
    }
}
