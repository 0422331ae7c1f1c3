//! G21: what inserts frames carried out of the closure.
use vmctx::{EstablishedCtx, FrameSlots, PfnMap, Platform, VmOperations};

fn ioctl<'l, P: Platform, V: VmOperations<Platform = P>>(
    established: &'l EstablishedCtx<'_, P, PfnMap>,
) -> Option<FrameSlots<'l, P, PfnMap>> {
    established.with_state(|_: &V, slots| slots)
}

fn main() {}
