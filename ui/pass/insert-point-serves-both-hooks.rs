//! G17: one helper for both hooks; the context decides what it gives.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, InsertPoint, Mapped, Mixed, MmapCtx, MmapFile, Platform, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal};

struct Ring<P: Platform> {
    pages: Vec<P::Page>,
    eager: bool,
}

impl<P: Platform> Ring<P> {
    fn place<I: InsertPoint<Platform = P, Kind = Mixed>>(&self, at: I) -> I::Outcome {
        at.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }
}

impl<P: Platform> MmapFile for Ring<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let mut ctx = ctx.writable().establish(Ring::<P> { pages: self.pages.clone(), eager: self.eager })?;
        if !self.eager {
            return Ok(ctx.fill_later());
        }
        while !ctx.is_full() {
            ctx = self.place(ctx)?;
        }
        ctx.finish()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.place(ctx)
    }
}

fn main() {
    let machine = Machine::new();
    let process = machine.process();
    let pages = vec![machine.alloc_page().unwrap()];

    // At mmap the page behind the end is an errno of the user's call ...
    let eager = machine.open(Ring { pages: pages.clone(), eager: true });
    assert_eq!(process.mmap(&eager, Map::shared(2 * 4096)).unwrap_err().errno(), Some(Errno::ENXIO));
    let at = process.mmap(&eager, Map::shared(4096)).unwrap();
    assert_eq!(process.thread().read_u8(at), Ok(0));
    assert_eq!(machine.statistics().handler_calls, 0);

    // ... and in a fault a signal to the thread that touches it.
    let lazy = machine.open(Ring { pages, eager: false });
    let at = process.mmap(&lazy, Map::shared(2 * 4096)).unwrap();
    assert_eq!(process.thread().read_u8(at), Ok(0));
    let behind = UserAddr::new(at.get() + 4096);
    assert_eq!(process.thread().read_u8(behind).unwrap_err().signal(), Some(Signal::Sigbus(behind)));
    assert_eq!(machine.statistics().handler_calls, 2);
}
