//! G8: refusals, flags and cache attributes are settled by the mmap hook, then the kind; a fault settles one entry.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, FrameSource, Mapped, MmapCtx, MmapFile, PageCount, PfnMap, Platform, VmFault, VmOperations,
    platform::Cache,
};
use vmctx_sim::{Machine, Map, Prot, Signal, Sim};

#[derive(Clone)]
struct Registers(<Sim as Platform>::Iomem);

impl MmapFile for Registers {
    type Platform = Sim;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.no_exec()?.shared_only()?.io().dont_copy().dont_expand().dont_dump().noncached();
        Ok(ctx.establish(self.clone())?.fill_later())
    }
}

impl VmOperations for Registers {
    type Platform = Sim;
    type Mapping = PfnMap;

    fn fault<'f>(&self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        let prot = ctx.page_prot();
        assert_eq!(prot.cache(), Cache::Noncached);
        match self.0.frame(ctx.pgoff()) {
            // The identification registers are read only for everybody.
            Some(frame) if ctx.pgoff().index() == 0 => ctx.insert_pfn_prot(frame, prot.read_only()),
            Some(frame) => ctx.insert_pfn_prot(frame, prot.write_combine()),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

fn main() {
    let machine = Machine::new();
    let bar = machine.device_memory(PageCount::new(2)).unwrap();
    let file = machine.open(Registers(bar));
    let process = machine.process();
    assert_eq!(process.mmap(&file, Map::private(4096)).unwrap_err().errno(), Some(Errno::EINVAL));
    assert_eq!(process.mmap(&file, Map::shared(4096).prot(Prot::EXEC)).unwrap_err().errno(), Some(Errno::EPERM));

    let at = process.mmap(&file, Map::shared(2 * 4096)).unwrap();
    let second = vmctx::UserAddr::new(at.get() + 4096);
    let user = process.thread();
    user.write_u8(second, 1).unwrap();
    assert_eq!(user.read_u8(at), Ok(0));
    assert!(!process.page_prot_at(at).unwrap().is_writable());
    assert_eq!(process.page_prot_at(second).unwrap().cache(), Cache::WriteCombine);
    // fork leaves it out.
    let child = process.fork().unwrap();
    assert_eq!(child.thread().read_u8(at).unwrap_err().signal(), Some(Signal::Sigsegv(at)));
}
