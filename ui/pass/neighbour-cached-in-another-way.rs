//! G8, G11, G26: a neighbour of the fault gets the mapping's rights, and may be cached in another way; which of its
//! pages users may write `pfn_mkwrite` says.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, Iomem as _, Mapped, MmapCtx, MmapFile, PageCount, PageOffset, PageProt,
    PfnMap, PfnMkwriteCtx, Platform, Prefault, VmFault, VmOperations, platform::Cache,
};
use vmctx_sim::{Machine, Map, Prot, Signal, Sim};

/// The status that users only read, and the buffer and the register behind it.
const STATUS: PageOffset = PageOffset::ZERO;
const BUFFER: PageOffset = PageOffset::new(1);

#[derive(Clone)]
struct Registers(<Sim as Platform>::Iomem);

impl Registers {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        if ctx.pgoff() == STATUS { ctx.fail(Errno::EPERM) } else { ctx.allow() }
    }
}

impl MmapFile for Registers {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        // Said here, and before the kind: memory that is shared with the device.
        Ok(ctx.shared_only()?.decrypted().noncached().writable().establish(self.clone())?.fill_later())
    }
}

impl VmOperations for Registers {
    type Platform = Sim;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Sim, PfnMap>) -> VmFault<'f> {
        if let Some(status) = self.0.frame(STATUS) {
            assert_eq!(ctx.prefault_pfn(STATUS, status), Prefault::Inserted);
        }
        if let Some(buffer) = self.0.frame(BUFFER) {
            // A protection of a platform's making: its rights are not looked at.
            let wide = PageProt::of_vma(true, Cache::WriteCombine);
            assert_eq!(ctx.prefault_pfn_prot(BUFFER, buffer, wide), Prefault::Inserted);
        }
        ctx.insert_pfn_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

fn main() {
    let machine = Machine::new();
    let bar = machine.device_memory(PageCount::new(3)).unwrap();
    bar.write(0, b"idle").unwrap();
    let file = machine.open(Registers(bar.clone()));
    let process = machine.process();
    let user = process.thread();
    for map in [Map::shared(3 * 4096), Map::shared(3 * 4096).prot(Prot::READ)] {
        let at = process.mmap(&file, map).unwrap();
        let page = |index: usize| vmctx::UserAddr::new(at.get() + index * 4096);
        user.read_u8(page(2)).unwrap();
        let prots = || [0, 1, 2].map(|index| process.page_prot_at(page(index)).unwrap());
        let caches = [Cache::Noncached, Cache::WriteCombine, Cache::Noncached];
        assert_eq!(prots().map(PageProt::cache), caches);
        // None is writable before its first store has been allowed.
        assert_eq!(prots().map(PageProt::is_writable), [false; 3]);

        // The mapping that was asked for read-only becomes writable by mprotect; what may be written stays the same.
        process.mprotect(at, 3 * 4096, Prot::READ_WRITE).unwrap();
        user.write(page(1), b"data").unwrap();
        user.write(page(2), b"go").unwrap();
        assert_eq!(user.write(page(0), b"busy").unwrap_err().signal(), Some(Signal::Sigbus(page(0))));
        assert_eq!(prots().map(PageProt::is_writable), [false, true, true]);
    }
    let mut bytes = [0; 4];
    bar.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"idle");
    bar.read(4096, &mut bytes).unwrap();
    assert_eq!(&bytes, b"data");
    assert_eq!(machine.statistics().handler_calls, 2);
}
