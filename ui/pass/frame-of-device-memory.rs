//! G13: frames come from what vouches for them, by their place in it, and go where the fault was.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, FrameSource, Iomem as _, Mapped, MmapCtx, MmapFile, PageCount, PfnMap, Platform, UserAddr,
    VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal, Sim};

struct Bar<P: Platform>(P::Iomem);

struct Device<P: Platform>(P::Ref<Bar<P>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared::<Bar<P>>(self.0.clone())?.fill_later())
    }
}

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

fn main() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(2)).unwrap();
    memory.write(4096, b"device").unwrap();
    let file = machine.open(Device(Sim::share(Bar(memory.clone()), machine.may_sleep()).unwrap()));
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(3 * 4096)).unwrap();
    let page = |index: usize| UserAddr::new(at.get() + index * 4096);
    let mut bytes = [0; 6];
    user.read(page(1), &mut bytes).unwrap();
    assert_eq!(&bytes, b"device");
    user.write(page(0), b"user").unwrap();
    memory.read(0, &mut bytes[..4]).unwrap();
    assert_eq!(&bytes[..4], b"user");
    assert_eq!(user.read_u8(page(2)).unwrap_err().signal(), Some(Signal::Sigbus(page(2))));
}
