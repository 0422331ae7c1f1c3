//! G9: the state of a mapping whose kind nobody chose.
use core::marker::PhantomData;
use vmctx::{Platform, Undecided, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Undecided;
}

fn main() {}
