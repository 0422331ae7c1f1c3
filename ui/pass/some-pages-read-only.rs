//! G26: in one mapping users may write the first page and not the others: who is asked before each first store says so,
//! and keeps saying so after mprotect (04ea3086c4d7, bpf ring buffer).
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, FrameSource, Hooks, Iomem as _, Mapped, MmapCtx, MmapFile, PageCount, PageOffset, PfnMap,
    PfnMkwriteCtx, Platform, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Prot, Signal};

/// The consumer's position, then the producer's, then data.
struct Ringbuf<P: Platform>(P::Iomem);

impl<P: Platform> Ringbuf<P> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, PfnMap>) -> VmFault<'f> {
        if ctx.pgoff() == PageOffset::ZERO { ctx.allow() } else { ctx.fail(Errno::EPERM) }
    }
}

impl<P: Platform> VmOperations for Ringbuf<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

struct Device<P: Platform>(P::Iomem);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish(Ringbuf::<P>(self.0.clone()))?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(4)).unwrap();
    memory.write(4096, b"produced").unwrap();
    let file = machine.open(Device(memory.clone()));
    let process = machine.process();
    let user = process.thread();
    for map in [Map::shared(4 * 4096), Map::shared(4 * 4096).prot(Prot::READ)] {
        let at = process.mmap(&file, map).unwrap();
        let second = UserAddr::new(at.get() + 4096);
        assert_eq!(user.read_u8(second), Ok(b'p'));
        process.mprotect(at, 4 * 4096, Prot::READ_WRITE).unwrap();
        user.write(at, b"consumed").unwrap();
        for _again in 0..2 {
            assert_eq!(user.write(second, b"forged!!").unwrap_err().signal(), Some(Signal::Sigbus(second)));
            // What is asked for once more has not become writable meanwhile.
            process.mprotect(at, 4 * 4096, Prot::READ).unwrap();
            process.mprotect(at, 4 * 4096, Prot::READ_WRITE).unwrap();
        }
    }
    let mut bytes = [0; 8];
    memory.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"consumed");
    memory.read(4096, &mut bytes).unwrap();
    assert_eq!(&bytes, b"produced");
}
