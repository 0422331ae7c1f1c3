//! G21: a frame of an object in the state's table, behind a lock.
use vmctx::{Errno, EstablishedCtx, FrameSource, PageOffset, PfnMap, Platform, RwLock, VmOperations};

struct Table<P: Platform>(P::RwLock<P::Iomem>);

impl<P: Platform> VmOperations for Table<P> {
    type Platform = P;
    type Kind = PfnMap;
}

fn ioctl<P: Platform>(established: &EstablishedCtx<'_, P, PfnMap>, at: PageOffset) -> Option<Result<(), Errno>> {
    established.with_state(|table: &Table<P>, slots| {
        let memory = table.0.read(established.may_sleep());
        slots.insert_pfn(at, memory.frame(at).ok_or(Errno::ENXIO)?)
    })
}

fn main() {}
