//! G13: memory that moves is inserted by faults, not from an ioctl.
use vmctx::{EstablishedCtx, Backing, PfnMap, Platform, Resident};

fn fill<P: Platform, L: Backing<Platform = P>>(
    established: EstablishedCtx<'_, P, PfnMap>,
    resident: &Resident<'_, P, L>,
) {
    resident.insert(established)
}

fn main() {}
