//! G7, G13: a state that keeps a lock of memory that moves.
use vmctx::{Location, Mixed, Platform, Resident, VmOperations};

struct Hoard<P: Platform, L: Location<Platform = P>> {
    resident: Resident<'static, P, L>,
}

impl<P: Platform, L: Location<Platform = P>> VmOperations for Hoard<P, L> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
