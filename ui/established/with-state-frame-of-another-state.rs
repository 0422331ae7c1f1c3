//! G21: a frame of one mapping's state into another mapping, both of them locked.
use vmctx::{Errno, EstablishedCtx, FrameSource, PageOffset, PfnMap, Platform, VmOperations};

struct Bar<P: Platform>(P::Iomem);

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;
}

fn ioctl<P: Platform>(
    one: &EstablishedCtx<'_, P, PfnMap>,
    other: &EstablishedCtx<'_, P, PfnMap>,
    at: PageOffset,
) -> Option<Result<(), Errno>> {
    one.with_state(|bar: &Bar<P>, _| {
        let frame = bar.0.frame(at)?;
        other.with_state(|_: &Bar<P>, slots| slots.insert_pfn(at, frame))
    })
    .flatten()
}

fn main() {}
