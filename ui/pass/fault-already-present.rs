//! G16: in a fault "already present" is a success, and a handler that must undo something can ask.
#![forbid(unsafe_code)]
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use vmctx::{Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageRef as _, Platform, VmFault, VmOperations};
use vmctx_sim::{Injection, Machine, Map};

/// Allocates a block for each insertion, and gives it back if it was not needed.
struct Blocks<P: Platform> {
    page: P::Page,
    free: Arc<AtomicUsize>,
}

struct Device<P: Platform>(P::Page, Arc<AtomicUsize>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let state = Blocks { page: self.0.clone(), free: self.1.clone() };
        Ok(ctx.writable().establish::<Blocks<P>>(state)?.fill_later())
    }
}

impl<P: Platform> VmOperations for Blocks<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.free.fetch_sub(1, Ordering::Relaxed);
        let answer = ctx.insert_page(&self.page);
        if answer.already_present() || answer.is_error() {
            self.free.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

fn main() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    page.write(0, &[5]).unwrap();
    let free = Arc::new(AtomicUsize::new(3));
    let file = machine.open(Device(page.clone(), free.clone()));
    let process = machine.process();
    let user = process.thread();
    let at = process.mmap(&file, Map::shared(4096)).unwrap();

    // Another thread seems to be faster: no block is used up, the access is repeated, and served.
    machine.inject(Injection::Insertion { after: 0, errno: Errno::EBUSY });
    assert_eq!(user.read_u8(at), Ok(5));
    assert_eq!(free.load(Ordering::Relaxed), 2);
    assert_eq!(machine.statistics().answers.nopage, 2);

    // An insertion borrowed the page, and the mapping holds a reference of its own.
    assert_eq!(page.references(), 4);
    process.munmap(at, 4096).unwrap();
    assert_eq!(page.references(), 2);
}
