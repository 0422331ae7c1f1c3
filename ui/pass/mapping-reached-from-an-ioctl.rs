//! G14: an established mapping is reached by a handle of its own mmap, or by an address whose operations are known.
#![forbid(unsafe_code)]
use std::sync::{Arc, Mutex};
use vmctx::{
    Errno, FaultCtx, Handle, InsertPagesError, Mapped, Mixed, MmapCtx, MmapFile, PageRef as _, PageCount, PageOffset,
    Platform, UnlockedCtx, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal};

/// A receive buffer: pages come by an ioctl, and never by a touch.
struct Receive {
    name: u32,
}

struct Of<P: Platform>(Receive, std::marker::PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Of<P> {
    type Platform = P;
    type Kind = Mixed;
}

/// Of the same kind, and somebody else's.
struct Other<P: Platform>(P::Page);

impl<P: Platform> VmOperations for Other<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page(&self.0)
    }
}

struct Socket<P: Platform> {
    mappings: Arc<Mutex<Vec<Handle<P, Mixed>>>>,
}

impl<P: Platform> MmapFile for Socket<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.writable().establish(Of::<P>(Receive { name: 7 }, std::marker::PhantomData))?;
        let Ok(mut mappings) = self.mappings.lock() else { return Err(Errno::EIO) };
        mappings.push(ctx.handle()?);
        Ok(ctx.fill_later())
    }
}

struct Elsewhere<P: Platform>(P::Page);

impl<P: Platform> MmapFile for Elsewhere<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Other::<P>(self.0.clone()))?.fill_later())
    }
}

/// As a system call that is given an address: `TCP_ZEROCOPY_RECEIVE`.
fn receive<P: Platform>(unlocked: &mut UnlockedCtx<'_, P>, at: UserAddr, pages: &[P::Page]) -> Result<u32, Errno> {
    let established = unlocked.find::<Of<P>>(at)?;
    let name = established.state::<Of<P>>().map_or(0, |state| state.0.name);
    let first = established.pgoff_of(at).ok_or(Errno::EFAULT)?;
    established.zap(first, PageCount::new(pages.len()));
    established.insert_pages(first, pages).map_err(Errno::from)?;
    Ok(name)
}

fn main() {
    let machine = Machine::new();
    let mappings = Arc::new(Mutex::new(Vec::new()));
    let file = machine.open(Socket { mappings: mappings.clone() });
    let elsewhere = machine.open(Elsewhere(machine.alloc_page().unwrap()));
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(2 * 4096)).unwrap();
    let other = process.mmap(&elsewhere, Map::shared(4096)).unwrap();
    let handle = mappings.lock().unwrap().pop().unwrap();
    let pages: Vec<_> = (1..=3)
        .map(|byte| {
            let page = machine.alloc_page().unwrap();
            page.write(0, &[byte]).unwrap();
            page
        })
        .collect();

    // By handle; a slot that is taken is an error, and a slot that is not there.
    process
        .ioctl(|unlocked| {
            let established = handle.lock(unlocked).unwrap();
            assert_eq!(established.insert_page(PageOffset::ZERO, &pages[0]), Ok(()));
            assert_eq!(established.insert_page(PageOffset::ZERO, &pages[1]), Err(Errno::EBUSY));
            assert_eq!(established.insert_page(PageOffset::new(2), &pages[1]), Err(Errno::EFAULT));
            // Of many at once those are passed over that are in a slot already, and it is said how many went in.
            assert_eq!(established.insert_pages(PageOffset::ZERO, &pages[1..]), Ok(PageCount::new(1)));
            established.zap(PageOffset::new(1), PageCount::new(1));
            let InsertPagesError { errno, inserted, already_present } =
                established.insert_pages(PageOffset::ZERO, &[&pages[2..], &pages[1..]].concat()).unwrap_err();
            assert_eq!((errno, inserted, already_present), (Errno::EFAULT, PageCount::new(1), PageCount::new(1)));
        })
        .unwrap();
    assert_eq!((user.read_u8(at), user.read_u8(UserAddr::new(at.get() + 4096))), (Ok(1), Ok(2)));

    // By address; not where somebody else's operations run, nor where nothing is established.
    assert_eq!(process.ioctl(|unlocked| receive(unlocked, at, &pages[2..])), Ok(Ok(7)));
    assert_eq!(user.read_u8(at), Ok(3));
    assert_eq!(process.ioctl(|unlocked| receive(unlocked, other, &pages[2..])), Ok(Err(Errno::EINVAL)));

    // One lock after the other, and none once the mapping has gone.
    process
        .ioctl(|unlocked| {
            drop(handle.lock(unlocked).unwrap());
            handle.lock(unlocked).unwrap().zap(PageOffset::ZERO, PageCount::new(2));
        })
        .unwrap();
    assert_eq!(user.read_u8(at).unwrap_err().signal(), Some(Signal::Sigbus(at)));
    process.munmap(at, 2 * 4096).unwrap();
    assert_eq!(process.ioctl(|unlocked| handle.lock(unlocked).map(drop)), Ok(Err(Errno::EFAULT)));
    assert_eq!(process.ioctl(|unlocked| receive(unlocked, at, &pages)), Ok(Err(Errno::EFAULT)));
}
