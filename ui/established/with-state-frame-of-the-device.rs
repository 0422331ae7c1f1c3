//! G21: a frame of the device's, beside a state that does not have it.
use vmctx::{Errno, EstablishedCtx, FrameSource, PageOffset, PfnMap, Platform, VmOperations};

fn ioctl<P: Platform, V: VmOperations<Platform = P>>(
    established: &EstablishedCtx<'_, P, PfnMap>,
    device: &P::Iomem,
    at: PageOffset,
) -> Option<Result<(), Errno>> {
    established.with_state(|_: &V, slots| slots.insert_pfn(at, device.frame(at).ok_or(Errno::ENXIO)?))
}

fn main() {}
