//! G14, G21: the state of a mapping is one with operations.
use vmctx::{Errno, EstablishedCtx, FrameSource, PageOffset, PfnMap, Platform};

struct Memory<P: Platform>(P::Iomem);

fn ioctl<P: Platform>(established: &EstablishedCtx<'_, P, PfnMap>, at: PageOffset) -> Option<Result<(), Errno>> {
    established.with_state(|memory: &Memory<P>, slots| slots.insert_pfn(at, memory.0.frame(at).ok_or(Errno::ENXIO)?))
}

fn main() {}
