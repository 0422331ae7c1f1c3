//! G21: a frame carried out of the closure that may insert it.
use vmctx::{EstablishedCtx, Frame, FrameSource, PageOffset, PfnMap, Platform, VmOperations};

struct Bar<P: Platform>(P::Iomem);

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;
}

fn ioctl<'l, P: Platform>(established: &'l EstablishedCtx<'_, P, PfnMap>) -> Option<Frame<'l, P>> {
    established.with_state(|bar: &Bar<P>, _| bar.0.frame(PageOffset::ZERO)).flatten()
}

fn main() {}
