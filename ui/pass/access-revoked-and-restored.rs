//! G13, G22: access is revoked by taking the memory back, so that no fault inserts behind the unmapping.
#![forbid(unsafe_code)]
use vmctx::{
    Backing, Errno, FaultCtx, FrameSource, Hooks, Iomem as _, Mapped, MmapCtx, MmapFile, PageCount, PageOffset, PfnMap,
    Platform, Revocable, SharedObject, Spot, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal, Sim};

/// Registers that can be switched off.
struct Registers<P: Platform> {
    memory: P::Iomem,
    on: bool,
}

impl<P: Platform> Backing for Registers<P> {
    type Platform = P;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, P>, Errno> {
        if !self.on {
            return Err(Errno::EIO);
        }
        self.memory.frame(PageOffset::new(at.get())).map(Spot::Frame).ok_or(Errno::ENXIO)
    }
}

struct Bar<P: Platform>(Revocable<P, Registers<P>>);

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|bar: &Self| Some(bar.0.object()));

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.0.resident(ctx.may_sleep()).insert(ctx)
    }
}

struct Device<P: Platform>(P::Ref<Bar<P>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(self.0.0.object())
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared::<Bar<P>>(self.0.clone())?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(1)).unwrap();
    memory.write(0, &[9]).unwrap();
    let (registers, object) = (Registers { memory, on: true }, SharedObject::new(machine.may_sleep()).unwrap());
    let bar = Revocable::new(registers, &object, PageCount::new(1), machine.may_sleep()).unwrap();
    let bar = Bar::<Sim>(bar);
    let bar = Sim::share(bar, machine.may_sleep()).unwrap();
    let file = machine.open(Device(bar.clone()));
    let users = [machine.process(), machine.process()];
    let at: Vec<_> = users.iter().map(|process| process.mmap(&file, Map::shared(4096)).unwrap()).collect();
    let load = |user: usize| users[user].thread().read_u8(at[user]).map_err(|error| error.signal());
    for user in 0..2 {
        assert_eq!(load(user), Ok(9));
    }
    // An ioctl of one process, and both lose it.
    users[0].ioctl(|unlocked| bar.0.revoke(unlocked.may_sleep()).on = false).unwrap();
    for user in 0..2 {
        assert_eq!(load(user), Err(Some(Signal::Sigbus(at[user]))));
    }
    bar.0.revoke(machine.may_sleep()).on = true;
    assert_eq!(load(1), Ok(9));
}
