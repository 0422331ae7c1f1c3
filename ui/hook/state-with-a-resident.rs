//! G7, G13: a state that keeps a lock of memory that moves.
use vmctx::{Backing, Mixed, Platform, Resident, VmOperations};

struct Hoard<P: Platform, L: Backing<Platform = P>> {
    resident: Resident<'static, P, L>,
}

impl<P: Platform, L: Backing<Platform = P>> VmOperations for Hoard<P, L> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
