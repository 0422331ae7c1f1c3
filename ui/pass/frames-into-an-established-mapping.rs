//! G14, G21: outside hooks a frame is inserted beside the state that it is borrowed from, once the mapping is found to
//! have that state.
#![forbid(unsafe_code)]
use std::sync::{Arc, Mutex};
use vmctx::{
    Errno, EstablishedCtx, FrameSource, Handle, Iomem as _, Mapped, MmapCtx, MmapFile, PageCount, PageOffset, PfnMap,
    Platform, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal};

/// Registers that are shown page by page, by an ioctl.
struct Bar<P: Platform>(P::Iomem);

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;
}

/// Of the same kind, and somebody else's.
struct Other<P: Platform>(P::Iomem);

impl<P: Platform> VmOperations for Other<P> {
    type Platform = P;
    type Kind = PfnMap;
}

struct Device<P: Platform> {
    memory: P::Iomem,
    mapping: Arc<Mutex<Option<Handle<P, PfnMap>>>>,
}

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.shared_only()?.writable().establish(Bar::<P>(self.memory.clone()))?;
        *self.mapping.lock().map_err(|_| Errno::EIO)? = Some(ctx.handle()?);
        Ok(ctx.fill_later())
    }
}

fn show<P: Platform>(established: &EstablishedCtx<'_, P, PfnMap>, page: PageOffset) -> Result<(), Errno> {
    let shown =
        established.with_state(|bar: &Bar<P>, slots| slots.insert_pfn(page, bar.0.frame(page).ok_or(Errno::ENXIO)?));
    shown.unwrap_or(Err(Errno::EINVAL))
}

fn main() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(2)).unwrap();
    memory.write(4096, b"status").unwrap();
    let mapping = Arc::new(Mutex::new(None));
    let file = machine.open(Device { memory, mapping: mapping.clone() });
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(3 * 4096)).unwrap();
    let second = vmctx::UserAddr::new(at.get() + 4096);
    let handle = mapping.lock().unwrap().take().unwrap();
    process
        .ioctl(|unlocked| {
            let established = handle.lock(unlocked).unwrap();
            assert_eq!(show(&established, PageOffset::new(1)), Ok(()));
            assert_eq!(show(&established, PageOffset::new(1)), Err(Errno::EBUSY));
            // The memory ends before the mapping does.
            assert_eq!(show(&established, PageOffset::new(2)), Err(Errno::ENXIO));
            let others = established.with_state(|other: &Other<_>, slots| {
                slots.insert_pfn(PageOffset::ZERO, other.0.frame(PageOffset::ZERO).ok_or(Errno::ENXIO)?)
            });
            assert_eq!(others, None);
        })
        .unwrap();
    let mut bytes = [0; 6];
    user.read(second, &mut bytes).unwrap();
    assert_eq!(&bytes, b"status");
    assert_eq!(user.read_u8(at).unwrap_err().signal(), Some(Signal::Sigbus(at)));
}
