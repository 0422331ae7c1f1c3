//! G17: The state says nothing of its platform.
//! At: `pages: Vec<P::Page>`
//! Write instead: `P: vmctx::Platform`
use vmctx::*;

struct Dev<P> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
