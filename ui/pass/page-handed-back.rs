//! G12: a page is handed back with its reference, locked by this fault or not at all.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, Mapped, MmapCtx, MmapFile, Normal, PageRef as _, PageOffset, Platform, UserAddr, VmFault,
    VmOperations,
};
use vmctx_sim::{Machine, Map};

struct Log<P: Platform>(P::Page);

impl<P: Platform> MmapFile for Log<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Log::<P>(self.0.clone()))?.fill_later())
    }
}

impl<P: Platform> VmOperations for Log<P> {
    type Platform = P;
    type Kind = Normal;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        if ctx.pgoff() == PageOffset::ZERO {
            let locked = ctx.lock_page(&self.0);
            ctx.deliver_locked(locked)
        } else {
            ctx.deliver(self.0.clone())
        }
    }
}

fn main() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    page.write(0, b"log").unwrap();
    let file = machine.open(Log(page.clone()));
    let process = machine.process();
    let user = process.thread();

    let at = process.mmap(&file, Map::shared(2 * 4096)).unwrap();
    let mut bytes = [0; 3];
    user.read(at, &mut bytes).unwrap();
    assert_eq!(&bytes, b"log");
    user.read(UserAddr::new(at.get() + 4096), &mut bytes).unwrap();
    assert_eq!(&bytes, b"log");
    assert_eq!(page.map_count(), 2);
    let answers = machine.statistics().answers;
    assert_eq!((answers.locked, answers.page), (1, 1));

    // A store to a private mapping gets a copy.
    let own = process.mmap(&file, Map::private(4096)).unwrap();
    user.write(own, b"own").unwrap();
    page.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"log");
    assert_eq!(machine.statistics().copies, 1);

    // References are as they were once everything is unmapped: here, in the file, and none in between.
    process.exit().unwrap();
    assert_eq!(page.references(), 2);
}
