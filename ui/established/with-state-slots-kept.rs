//! G21: what inserts frames kept for later.
use vmctx::{EstablishedCtx, PfnMap, Platform, VmOperations};

fn ioctl<P: Platform, V: VmOperations<Platform = P>>(established: &EstablishedCtx<'_, P, PfnMap>) {
    let mut kept = None;
    established.with_state(|_: &V, slots| kept = Some(slots));
    drop(kept);
}

fn main() {}
