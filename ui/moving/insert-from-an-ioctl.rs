//! G13: memory that moves is inserted by faults, not from an ioctl.
use vmctx::{Location, MappedCtx, PfnMap, Platform, Resident};

fn fill<P: Platform, L: Location<Platform = P>>(mapped: MappedCtx<'_, P, PfnMap>, resident: &Resident<'_, P, L>) {
    resident.insert(mapped)
}

fn main() {}
