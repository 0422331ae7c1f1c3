//! G25: only a file with a prepare hook is opened as one.
use vmctx::{ByPrepare, Errno, Mapped, Mixed, MmapCtx, MmapFile};
use vmctx_sim::{Machine, Page, Sim};

struct Doorbell(Page);

impl MmapFile for Doorbell {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        ctx.without_faults::<Mixed>()?.insert_page(&self.0)?.finish()
    }
}

fn open(machine: &Machine, doorbell: Doorbell) {
    machine.open(ByPrepare(doorbell));
}

fn main() {}
