//! G17, G21: one helper for both hooks that inserts frames; they are the file's at mmap, and the state's in a fault.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, Frame, FramePoint, FrameSource, Iomem as _, Mapped, MmapCtx, MmapFile, PageCount, PfnMap,
    Platform, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal};

struct Bar<P: Platform> {
    memory: P::Iomem,
    eager: bool,
}

impl<P: Platform> Bar<P> {
    fn place<'i, I: FramePoint<'i, Platform = P, Kind = PfnMap>>(&'i self, at: I) -> I::Outcome {
        at.insert_pfn_with(|at| self.memory.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

/// What is borrowed for longer is borrowed for long enough.
fn serve<'f, 's: 'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'s, P>) -> VmFault<'f> {
    ctx.insert_pfn(frame)
}

impl<P: Platform> MmapFile for Bar<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.shared_only()?.writable();
        let mut ctx = ctx.establish(Bar::<P> { memory: self.memory.clone(), eager: self.eager })?;
        if !self.eager {
            return Ok(ctx.fill_later());
        }
        while !ctx.is_full() {
            ctx = self.place(ctx)?;
        }
        ctx.finish()
    }
}

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        match self.memory.frame(ctx.pgoff()) {
            Some(frame) if ctx.is_write() => serve(ctx, frame),
            _ => self.place(ctx),
        }
    }
}

fn main() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(1)).unwrap();
    memory.write(0, &[7]).unwrap();
    let process = machine.process();
    let user = process.thread();

    let eager = machine.open(Bar { memory: memory.clone(), eager: true });
    assert_eq!(process.mmap(&eager, Map::shared(2 * 4096)).unwrap_err().errno(), Some(Errno::ENXIO));
    let at = process.mmap(&eager, Map::shared(4096)).unwrap();
    assert_eq!((user.read_u8(at), machine.statistics().handler_calls), (Ok(7), 0));

    let lazy = machine.open(Bar { memory: memory.clone(), eager: false });
    let at = process.mmap(&lazy, Map::shared(2 * 4096)).unwrap();
    user.write_u8(at, 8).unwrap();
    let behind = UserAddr::new(at.get() + 4096);
    assert_eq!(user.read_u8(behind).unwrap_err().signal(), Some(Signal::Sigbus(behind)));
    let mut byte = [0];
    memory.read(0, &mut byte).unwrap();
    assert_eq!((byte, machine.statistics().handler_calls), ([8], 2));
}
