//! G8, G11: a neighbour of the fault gets the mapping's protection, or less; the fault's own answer stays as it is.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, FrameSource, Mapped, MmapCtx, MmapFile, PageCount, PageOffset, PageProt, PfnMap, Platform,
    Prefault, VmFault, VmOperations, platform::Cache,
};
use vmctx_sim::{Machine, Map, Prot, Sim};

#[derive(Clone)]
struct Registers(<Sim as Platform>::Iomem);

impl MmapFile for Registers {
    type Platform = Sim;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        // Said here, and before the kind: memory that is shared with the device.
        Ok(ctx.shared_only()?.decrypted().noncached().establish(self.clone())?.fill_later())
    }
}

impl VmOperations for Registers {
    type Platform = Sim;
    type Mapping = PfnMap;

    fn fault<'f>(&self, mut ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        let (here, prot) = (ctx.pgoff(), ctx.page_prot());
        if let Some(status) = self.0.frame(PageOffset::ZERO) {
            assert_eq!(ctx.prefault_pfn_prot(PageOffset::ZERO, status, prot.read_only()), Prefault::Inserted);
        }
        if let Some(buffer) = self.0.frame(PageOffset::new(1)) {
            // As wide as can be: it does not become wider than the mapping.
            let wide = PageProt::of_vma(true, Cache::WriteCombine);
            assert_eq!(ctx.prefault_pfn_prot(PageOffset::new(1), buffer, wide), Prefault::Inserted);
        }
        match self.0.frame(here) {
            Some(frame) => ctx.insert_pfn(frame),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}

fn main() {
    let machine = Machine::new();
    let bar = machine.device_memory(PageCount::new(3)).unwrap();
    let file = machine.open(Registers(bar));
    let process = machine.process();
    let user = process.thread();
    for (writable, map) in [(true, Map::shared(3 * 4096)), (false, Map::shared(3 * 4096).prot(Prot::READ))] {
        let at = process.mmap(&file, map).unwrap();
        let page = |index: usize| vmctx::UserAddr::new(at.get() + index * 4096);
        assert_eq!(user.read_u8(page(2)), Ok(0));
        let [status, buffer, register] = [0, 1, 2].map(|index| process.page_prot_at(page(index)).unwrap());
        assert_eq!((status.is_writable(), status.cache()), (false, Cache::Noncached));
        assert_eq!((buffer.is_writable(), buffer.cache()), (writable, Cache::WriteCombine));
        assert_eq!((register.is_writable(), register.cache()), (writable, Cache::Noncached));
    }
    assert_eq!(machine.statistics().handler_calls, 2);
}
