//! G8: refusals, flags and cache attributes are settled by the mmap hook, then the kind; a fault settles how one entry
//! is cached.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, FrameSource, Mapped, MmapCtx, MmapFile, PageCount, PageOffset, PfnMap, Platform, VmFault,
    VmOperations, platform::Cache,
};
use vmctx_sim::{Machine, Map, Prot, Signal, Sim};

#[derive(Clone)]
struct Registers(<Sim as Platform>::Iomem);

impl MmapFile for Registers {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.no_exec()?.shared_only()?.io().dont_copy().dont_dump().noncached();
        Ok(ctx.writable().establish(self.clone())?.fill_later())
    }
}

impl VmOperations for Registers {
    type Platform = Sim;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_prot_with(|at| {
            let frame = self.0.frame(at.pgoff()).ok_or(Errno::ENXIO)?;
            let prot = at.page_prot();
            assert_eq!(prot.cache(), Cache::Noncached);
            // Behind the registers there is a buffer, whose stores may be gathered.
            Ok((frame, if at.pgoff() == PageOffset::ZERO { prot } else { prot.write_combine() }))
        })
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
    user.write_u8(at, 2).unwrap();
    assert_eq!(process.page_prot_at(at).unwrap().cache(), Cache::Noncached);
    assert_eq!(process.page_prot_at(second).unwrap().cache(), Cache::WriteCombine);
    // fork leaves it out.
    let child = process.fork().unwrap();
    assert_eq!(child.thread().read_u8(at).unwrap_err().signal(), Some(Signal::Sigsegv(at)));
}
