//! G18: a driver and its framework without `unsafe`: files behind `dyn`, states wrapped, their hooks kept.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, Mixed, MmapCtx, MmapFile, PageOffset, Platform, VmFault, VmOperations, Wraps,
};
use vmctx_sim::{Machine, Map, Sim};

/// What a framework keeps of each open file.
struct Registered(Box<dyn MmapFile<Platform = Sim>>);

impl MmapFile for Registered {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        self.0.mmap(ctx.writable())
    }
}

/// A mapping that cannot be cut.
struct Whole<P: Platform>(P::Page);

impl<P: Platform> VmOperations for Whole<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.may_split(Self::may_split);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page(&self.0)
    }
}

impl<P: Platform> Whole<P> {
    fn may_split(&self, _at: PageOffset) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }
}

/// Something around any state.
struct Logged<V>(V);

impl<V: VmOperations> VmOperations for Logged<V> {
    type Platform = V::Platform;
    type Kind = V::Kind;
    const HOOKS: Hooks<Self> = Hooks::of_inner();

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, V::Platform, V::Kind>) -> VmFault<'f> {
        self.0.fault(ctx)
    }
}

impl<V: VmOperations> Wraps for Logged<V> {
    type Inner = V;

    fn inner(&self) -> &V {
        &self.0
    }
}

struct Device<P: Platform>(P::Page);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Logged(Whole::<P>(self.0.clone())))?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let file = machine.open(Registered(Box::new(Device(machine.alloc_page().unwrap()))));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * 4096)).unwrap();
    assert_eq!(process.thread().read_u8(at), Ok(0));
    assert_eq!(process.munmap(at, 4096).unwrap_err().errno(), Some(Errno::EPERM));
    process.munmap(at, 2 * 4096).unwrap();
}
