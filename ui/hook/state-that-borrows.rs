//! G7: a state that borrows what the mapping may outlive.
use vmctx::{Mixed, Platform, VmOperations};

struct Ring<'d, P: Platform> {
    pages: &'d [P::Page],
}

impl<'d, P: Platform> VmOperations for Ring<'d, P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
