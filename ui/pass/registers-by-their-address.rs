//! G22: the offset of a file is an address on the bus, each BAR is a part of what all files show, and a driver that
//! claims one takes it from its users (drivers/pci/proc.c).
#![forbid(unsafe_code)]
use vmctx::{
    AccessCtx, Accessed, Errno, FaultCtx, Hooks, Iomem as _, IomemPart, Mapped, MaySleep, MmapCtx, MmapFile, PageCount,
    PageOffset, PfnMap, Platform, Revocable, SharedObject, Switched, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal, Sim};

/// `struct resource`
struct Bar<P: Platform> {
    registers: Revocable<P, Switched<IomemPart<P>>>,
}

impl<P: Platform> Bar<P> {
    fn new(bus: &SharedObject<P>, at: PageOffset, memory: P::Iomem, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let memory = IomemPart::whole(memory);
        let count = memory.page_count();
        let place = bus.part(at, count)?;
        Ok(Self { registers: Revocable::new(Switched { memory, is_on: true }, &place, count, may_sleep)? })
    }

    /// `revoke_iomem`
    fn claim(&self, may_sleep: MaySleep<'_>) {
        self.registers.revoke(may_sleep).is_on = false;
    }

    /// `generic_access_phys`, of what no user has touched as well.
    fn access<'a>(&'a self, ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
        let registers = self.registers.resident(ctx.may_sleep());
        if !registers.is_on {
            return Err(Errno::EIO);
        }
        ctx.copy_iomem_part(&registers.memory, ctx.pgoff())
    }
}

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.object(|bar: &Self| Some(bar.registers.object())).access(Self::access);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        self.registers.resident(ctx.may_sleep()).insert(ctx)
    }
}

/// An open file of a device's.
struct File<P: Platform> {
    bus: SharedObject<P>,
    bars: Vec<P::Ref<Bar<P>>>,
}

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    fn object(&self) -> Option<&SharedObject<P>> {
        Some(&self.bus)
    }

    /// `proc_bus_pci_mmap`
    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let at = ctx.pgoff();
        let bar = self.bars.iter().find(|bar| bar.registers.object().contains(at)).ok_or(Errno::ENODEV)?;
        if !bar.registers.resident(ctx.may_sleep()).is_on {
            return Err(Errno::EINVAL);
        }
        let ctx = ctx.rebase(bar.registers.object())?.shared_only()?.writable().noncached();
        Ok(ctx.establish_shared(bar.clone())?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let bus = SharedObject::new(machine.may_sleep()).unwrap();
    let memories = [0xe000_0000_u64, 0xfe00_0000].map(|at| (at, machine.device_memory(PageCount::new(2)).unwrap()));
    let bars = memories.iter().map(|(at, memory)| {
        let first = PageOffset::new((at >> 12).try_into().unwrap());
        let bar = Bar::<Sim>::new(&bus, first, memory.clone(), machine.may_sleep()).unwrap();
        Sim::share(bar, machine.may_sleep()).unwrap()
    });
    let bars: Vec<_> = bars.collect();
    let file = machine.open(File { bus, bars: bars.clone() });
    let process = machine.process();
    let user = process.thread();
    let map = |at: u64, pages: usize| process.mmap(&file, Map::shared(pages * 4096).offset_bytes(at));

    let (low, high) = (map(0xe000_1000, 1).unwrap(), map(0xfe00_0000, 2).unwrap());
    user.write_u32(low, 7).unwrap();
    let mut bytes = [0; 4];
    memories[0].1.read(4096, &mut bytes).unwrap();
    assert_eq!(bytes, [7, 0, 0, 0]);
    memories[1].1.write(0, b"high").unwrap();
    process.peek(high, &mut bytes).unwrap();
    assert_eq!(&bytes, b"high");
    assert_eq!(map(0xfe00_2000, 1).unwrap_err().errno(), Some(Errno::ENODEV));
    assert_eq!(map(0xe000_1000, 2).unwrap_err().errno(), Some(Errno::EINVAL));

    user.read_u8(high).unwrap();
    bars[1].claim(machine.may_sleep());
    assert_eq!(user.read_u8(high).unwrap_err().signal(), Some(Signal::Sigbus(high)));
    assert_eq!(process.peek(high, &mut bytes).unwrap_err().errno(), Some(Errno::EIO));
    assert_eq!(map(0xfe00_0000, 1).unwrap_err().errno(), Some(Errno::EINVAL));
    assert_eq!(user.read_u8(low).unwrap(), 7);
    assert!(machine.reports().is_empty());
}
