//! G9: one file, and each mapping of the kind that its offset asks for, with the operations of that kind.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, FrameSource, Iomem as _, Mapped, Mixed, MmapCtx, MmapFile, Normal, PageRef as _, PageCount,
    PageOffset, PfnMap, Platform, Remapped, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Sim};

type Page = <Sim as Platform>::Page;

struct Device {
    page: Page,
    bar: <Sim as Platform>::Iomem,
}

impl MmapFile for Device {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        let frames = |count| self.bar.range(PageOffset::ZERO, count).ok_or(Errno::ENXIO);
        match ctx.pgoff().index() {
            0 => Ok(ctx.writable().establish(Handed(self.page.clone()))?.fill_later()),
            1 => ctx.writable().without_faults::<Mixed>()?.insert_page(&self.page)?.finish(),
            2 => ctx.writable().without_faults::<PfnMap>()?.remap(frames(PageCount::new(1))?)?.finish(),
            3 => {
                let wanted = ctx.page_count();
                ctx.writable().without_faults::<Remapped>()?.remap_from_first(frames(wanted)?)
            }
            _ => Err(Errno::ENXIO),
        }
    }
}

struct Handed(Page);

impl VmOperations for Handed {
    type Platform = Sim;
    type Kind = Normal;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Sim, Normal>) -> VmFault<'f> {
        ctx.deliver(self.0.clone())
    }
}

fn main() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    page.write(0, &[11]).unwrap();
    let bar = machine.device_memory(PageCount::new(1)).unwrap();
    bar.write(0, &[22]).unwrap();
    let file = machine.open(Device { page: page.clone(), bar });
    let process = machine.process();
    for (offset, byte) in [(0, 11), (1, 11), (2, 22), (3, 22)] {
        let at = process.mmap(&file, Map::shared(4096).pgoff(PageOffset::new(offset))).unwrap();
        assert_eq!(process.thread().read_u8(at), Ok(byte));
    }
    // Pages are counted, frames are not.
    assert_eq!(page.map_count(), 2);
    // A copy-on-write mapping of frames by number is Linux's BUG_ON, and an error here; remapped whole it is legal.
    let private = |offset| process.mmap(&file, Map::private(4096).pgoff(PageOffset::new(offset)));
    assert_eq!(private(2).unwrap_err().errno(), Some(Errno::EINVAL));
    assert_eq!(process.thread().read_u8(private(3).unwrap()), Ok(22));
}
