//! G21: a frame with a page behind it of the device's, beside a state that does not have it.
use vmctx::{Errno, EstablishedCtx, FrameSource, Mixed, PageOffset, Platform, VmOperations};

fn ioctl<P: Platform, V: VmOperations<Platform = P>>(
    established: &EstablishedCtx<'_, P, Mixed>,
    device: &P::Iomem,
    at: PageOffset,
) -> Option<Result<(), Errno>> {
    established.with_state(|_: &V, slots| slots.insert_mixed(at, device.frame(at).ok_or(Errno::ENXIO)?))
}

fn main() {}
