//! G7, G9: hooks put into the table past the bounds of their kind.
use core::marker::PhantomData;
use vmctx::{Hooks, PfnMap, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

fn forge<P: Platform>() -> Hooks<Ring<P>> {
    Hooks { page_mkwrite: None, ..Hooks::NONE }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = PfnMap;
}

fn main() {}
