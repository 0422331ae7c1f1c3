//! G7: a state that two faults would race for.
use core::cell::Cell;
use core::marker::PhantomData;
use vmctx::{Mixed, Platform, VmOperations};

struct Ring<P> {
    faults: Cell<u32>,
    platform: PhantomData<fn(P) -> P>,
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
