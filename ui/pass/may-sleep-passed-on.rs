//! G15: an operation that may sleep takes the right to; a fault can give it.
#![forbid(unsafe_code)]
use vmctx::{Errno, FaultCtx, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, Platform, VmFault, VmOperations};
use vmctx_sim::{Machine, Map};

struct Lazy<P: Platform>(P::Memory);

impl<P: Platform> Lazy<P> {
    /// Allocates, and so may sleep.
    fn page(&self, may_sleep: MaySleep<'_>) -> Result<P::Page, Errno> {
        P::alloc_page(&self.0, may_sleep)
    }
}

impl<P: Platform> MmapFile for Lazy<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Lazy::<P>(self.0.clone()))?.fill_later())
    }
}

impl<P: Platform> VmOperations for Lazy<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.account_major();
        ctx.insert_page_with(|at| self.page(at.may_sleep()))
    }
}

fn main() {
    let machine = Machine::new();
    let file = machine.open(Lazy(machine.clone()));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(4096)).unwrap();
    process.thread().write_u8(at, 1).unwrap();
    assert_eq!((machine.statistics().frames_in_use, machine.statistics().major_faults), (1, 1));
    // The mapping's reference was the last.
    process.munmap(at, 4096).unwrap();
    assert_eq!(machine.statistics().frames_in_use, 0);
}
