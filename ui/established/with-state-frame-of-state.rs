//! G21: a frame of the state as `state()` lends it, which is for the lock and not for the mapping.
use vmctx::{Errno, EstablishedCtx, FrameSource, PageOffset, PfnMap, Platform, VmOperations};

struct Bar<P: Platform>(P::Iomem);

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;
}

fn ioctl<P: Platform>(established: &EstablishedCtx<'_, P, PfnMap>, at: PageOffset) -> Result<(), Errno> {
    let frame = established.state::<Bar<P>>().and_then(|bar| bar.0.frame(at)).ok_or(Errno::EINVAL)?;
    established.with_state(|_: &Bar<P>, slots| slots.insert_pfn(at, frame)).unwrap_or(Err(Errno::EINVAL))
}

fn main() {}
