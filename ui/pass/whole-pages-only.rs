//! G27: a page of which only a part belongs to the device has no frame, unless who knows the rest exposes it
//! (CVE-2024-41011 amdkfd, and what `vm_iomap_memory` rounds outwards).
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, Iomem as _, IomemPart, Mapped, MmapCtx, MmapFile, PageCount, PageOffset, PfnMap, Platform,
    Remapped, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal, Sim};

/// Registers in a BAR: where they begin and end the hardware says, in bytes.
struct Registers<P: Platform>(IomemPart<P>);

impl<P: Platform> VmOperations for Registers<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| self.0.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

struct Device<P: Platform> {
    registers: P::Ref<Registers<P>>,
    at_once: bool,
}

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.shared_only()?.writable();
        if !self.at_once {
            return Ok(ctx.establish_shared::<Registers<P>>(self.registers.clone())?.fill_later());
        }
        let part = &self.registers.0;
        let all = part.range(PageOffset::ZERO, part.page_count()).ok_or(Errno::ENXIO)?;
        ctx.without_faults::<Remapped>()?.remap_at_pgoff(all)
    }
}

fn main() {
    let machine = Machine::new();
    let bar = machine.device_memory(PageCount::new(4)).unwrap();
    bar.write(0, b"neighbour").unwrap();
    bar.write(4096, b"registers").unwrap();
    bar.write(2 * 4096 + 2048, b"another's").unwrap();
    // They begin in the middle of the first page and end in the middle of the third.
    let part = || IomemPart::<Sim>::of_bytes(bar.clone(), 2048..2 * 4096 + 2048).unwrap();
    assert_eq!((part().byte_count(), part().page_count()), (2 * 4096, PageCount::new(1)));
    // A block with less than a page has none at all.
    let small = IomemPart::<Sim>::of_bytes(bar.clone(), 4096..4096 + 0x7c).unwrap();
    assert_eq!(small.page_count(), PageCount::ZERO);
    assert!(small.frame(PageOffset::ZERO).is_none() && small.range(PageOffset::ZERO, PageCount::new(1)).is_none());

    let open = |part, at_once| {
        let registers = Sim::share(Registers(part), machine.may_sleep()).unwrap();
        machine.open(Device { registers, at_once })
    };
    let process = machine.process();
    let user = process.thread();
    let mut bytes = [0; 9];

    // Page 0 is the first that is theirs from beginning to end; behind it there is none.
    let at = process.mmap(&open(part(), false), Map::shared(2 * 4096)).unwrap();
    user.read(at, &mut bytes).unwrap();
    assert_eq!(&bytes, b"registers");
    let second = UserAddr::new(at.get() + 4096);
    assert_eq!(user.read_u8(second).unwrap_err().signal(), Some(Signal::Sigbus(second)));
    // Remapped at once it is the user's mmap that fails.
    let whole = open(part(), true);
    assert_eq!(process.mmap(&whole, Map::shared(2 * 4096)).unwrap_err().errno(), Some(Errno::EINVAL));
    let at = process.mmap(&whole, Map::shared(4096)).unwrap();
    user.read(at, &mut bytes).unwrap();
    assert_eq!(&bytes, b"registers");

    // Who knows what is beside them shows it.
    let exposed = part().exposing_whole_pages();
    assert_eq!(exposed.page_count(), PageCount::new(3));
    let at = process.mmap(&open(exposed, true), Map::shared(3 * 4096)).unwrap();
    user.read(at, &mut bytes).unwrap();
    assert_eq!(&bytes, b"neighbour");
    user.read(UserAddr::new(at.get() + 2 * 4096 + 2048), &mut bytes).unwrap();
    assert_eq!(&bytes, b"another's");
}
