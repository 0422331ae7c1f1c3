//! G13, G15: access is revoked under the lock that faults take, so that no fault inserts behind the unmapping.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, FrameSource, Iomem as _, Mapped, MaySleep, MmapCtx, MmapFile, PageCount, PageOffset, PfnMap,
    Platform, RwLock, SharedObject, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal, Sim};

struct Bar<P: Platform> {
    memory: P::Iomem,
    on: P::RwLock<bool>,
    mappings: SharedObject<P>,
}

impl<P: Platform> Bar<P> {
    fn switch(&self, on: bool, may_sleep: MaySleep<'_>) {
        let mut is_on = self.on.write(may_sleep);
        *is_on = on;
        if !on {
            self.mappings.unmap(PageOffset::ZERO, self.memory.count(), may_sleep);
        }
    }
}

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        let on = self.on.read(ctx.may_sleep());
        match self.memory.frame(ctx.pgoff()) {
            Some(frame) if *on => ctx.insert_pfn(frame),
            _ => ctx.fail(Errno::EIO),
        }
    }
}

struct Device<P: Platform>(P::Ref<Bar<P>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.0.mappings)
    }

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.shared_only()?.writable().establish_shared::<Bar<P>>(self.0.clone())?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(1)).unwrap();
    memory.write(0, &[9]).unwrap();
    let bar = Bar::<Sim> {
        memory,
        on: RwLock::new(true, machine.may_sleep()).unwrap(),
        mappings: SharedObject::new(machine.may_sleep()).unwrap(),
    };
    let bar = Sim::share(bar, machine.may_sleep()).unwrap();
    let file = machine.open(Device(bar.clone()));
    let users = [machine.process(), machine.process()];
    let at: Vec<_> = users.iter().map(|process| process.mmap(&file, Map::shared(4096)).unwrap()).collect();
    let load = |user: usize| users[user].thread().read_u8(at[user]).map_err(|error| error.signal());
    for user in 0..2 {
        assert_eq!(load(user), Ok(9));
    }
    // An ioctl of one process, and both lose it.
    users[0].ioctl(|unlocked| bar.switch(false, unlocked.may_sleep())).unwrap();
    for user in 0..2 {
        assert_eq!(load(user), Err(Some(Signal::Sigbus(at[user]))));
    }
    bar.switch(true, machine.may_sleep());
    assert_eq!(load(1), Ok(9));
}
